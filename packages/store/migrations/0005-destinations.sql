-- Up Migration

-- One row per destination that a batch was accepted for.
create table posthaste.destinations (
  destination text primary key,
  first_seen_at timestamptz not null default now(),
  paused_at timestamptz,
  opened_at timestamptz,
  probe_at timestamptz,
  failed_probes integer not null default 0,
  check ((opened_at is null) = (probe_at is null))
);
comment on column posthaste.destinations.paused_at is 'An operator paused it: nothing is sent until it is resumed.';
comment on column posthaste.destinations.opened_at is 'Its circuit is open since then; null while it is closed.';
comment on column posthaste.destinations.probe_at is 'From then on one delivery may be attempted as a probe. A wake-up comes at that time.';
insert into posthaste.destinations (destination)
  select distinct destination from posthaste.batches where destination is not null;
create index destinations_opened on posthaste.destinations (destination) where opened_at is not null;

-- First attempts and retries are claimed side by side, each the longest due first.
drop index posthaste.deliveries_due;
create index deliveries_first on posthaste.deliveries (destination, next_attempt_at)
  where state = 'pending' and claimed_by is null and attempts = 0;
create index deliveries_again on posthaste.deliveries (destination, next_attempt_at)
  where state = 'pending' and claimed_by is null and attempts > 0;

alter table posthaste.deliveries add column pending_since timestamptz not null default now();
comment on column posthaste.deliveries.pending_since is 'The beginning of its round: what waits behind an open circuit does not wait for ever.';
