-- Up Migration

-- A delivery that is made again begins a new round; what earlier rounds came to stays on record. The
-- defaults are only described, no row is written; the new key of attempts is built under a lock, about
-- a second for a million of them, in which attempts wait to be recorded.
alter table posthaste.deliveries add column round integer not null default 1;
alter table posthaste.attempts
  add column round integer not null default 1,
  drop constraint attempts_pkey,
  add primary key (batch_id, round, attempt);

-- Lists, newest first. A batch enters an index once, at its end: none of them costs the claims.
create index batches_by_deployment on posthaste.batches (deployment, branch, version, batch_id)
  where finished_at is not null;
create index batches_by_destination on posthaste.batches (destination, batch_id)
  where finished_at is not null and destination is not null;
create index batches_undelivered on posthaste.batches (batch_id)
  where finished_at is not null and destination is null;
-- What is rare is found without reading past what is common.
create index batches_by_state on posthaste.batches (state, batch_id)
  where state in ('failed', 'canceled', 'expired');
create index batches_by_deployment_state on posthaste.batches (deployment, state, batch_id)
  where state in ('failed', 'canceled', 'expired');
create index deliveries_by_state on posthaste.deliveries (state, batch_id)
  where state in ('exhausted', 'gone');
create index deliveries_by_destination_state on posthaste.deliveries (destination, state, batch_id)
  where state in ('exhausted', 'gone');

-- Deliveries in bulk: which ones is decided at creation; an item is deleted by the statement that
-- begins its new round.
create table posthaste.redeliveries (
  redelivery_id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  key_id uuid,
  total integer not null,
  done integer not null default 0,
  check ((finished_at is null) = (done < total))
);
comment on column posthaste.redeliveries.key_id is 'The key whose batches alone it is about; null where an operator asked.';
create index redeliveries_unfinished on posthaste.redeliveries (created_at) where finished_at is null;

create table posthaste.redelivery_items (
  redelivery_id uuid not null,
  batch_id uuid not null,
  primary key (redelivery_id, batch_id)
);
