-- Up Migration

create schema posthaste;
comment on schema posthaste is 'Posthaste''s own tables: they change from version to version.';

-- One row per live process. A process that stops its heartbeats is given up, and what it had claimed
-- is given back; a claim by a process that has no row here is void.
create table posthaste.workers (
  worker_id bigint generated always as identity primary key,
  role text not null check (role in ('runner', 'dispatcher')),
  pid integer not null,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now()
);

create table posthaste.batches (
  batch_id uuid primary key,
  accepted_at timestamptz not null default now(),
  expires_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  claimed_by bigint,
  version integer not null,
  timeout_seconds integer not null,
  priority smallint not null default 0,
  runs smallint not null default 0,
  status smallint,
  synchronous boolean not null default false,
  awaited boolean not null default false,
  ignore_timeout boolean not null default false,
  deployment text not null,
  branch text not null,
  state text not null default 'queued'
    check (state in ('queued', 'running', 'succeeded', 'failed', 'canceled', 'expired')),
  code text,
  webhook_url text,
  destination text,
  -- JSON texts as they were written, never jsonb: see docs/decisions/0001.
  request text not null,
  result text,
  check ((webhook_url is null) = (destination is null)),
  check ((state in ('queued', 'running')) = (result is null)),
  check ((state = 'running') = (claimed_by is not null))
);
-- Not every build of PostgreSQL has lz4; pglz does the same, slower.
do $$
begin
  alter table posthaste.batches alter request set compression lz4, alter result set compression lz4;
exception when feature_not_supported then null;
end $$;
comment on column posthaste.batches.runs is 'How often it was claimed and not handed back in order: a batch that keeps killing its runner is ended.';
comment on column posthaste.batches.awaited is 'A caller waits for its end, so the statement that ends it notifies the api processes.';

-- What waits, in the order in which it is claimed.
create index batches_queued on posthaste.batches
  (deployment, branch, version, synchronous desc, priority, batch_id) where state = 'queued';
create index batches_expiring on posthaste.batches (expires_at)
  where state = 'queued' and expires_at is not null;
create index batches_claimed on posthaste.batches (claimed_by) where claimed_by is not null;

create table posthaste.deliveries (
  batch_id uuid primary key,
  next_attempt_at timestamptz not null default now(),
  finished_at timestamptz,
  claimed_by bigint,
  attempts smallint not null default 0,
  state text not null default 'pending'
    check (state in ('pending', 'delivered', 'exhausted', 'gone')),
  destination text not null
);
create index deliveries_due on posthaste.deliveries (destination, next_attempt_at)
  where state = 'pending' and claimed_by is null;
create index deliveries_claimed on posthaste.deliveries (claimed_by) where claimed_by is not null;

create table posthaste.attempts (
  batch_id uuid not null,
  attempt smallint not null,
  status smallint,
  duration_ms integer not null,
  started_at timestamptz not null,
  error text,
  detail text,
  reply text,
  address text,
  reply_headers jsonb,
  timings jsonb,
  primary key (batch_id, attempt)
);

create table posthaste.idempotency_keys (
  caller text not null,
  idempotency_key text not null,
  fingerprint bytea not null,
  batch_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (caller, idempotency_key)
);
create index idempotency_keys_batch on posthaste.idempotency_keys (batch_id);
create index idempotency_keys_age on posthaste.idempotency_keys (created_at);

create table posthaste.webhook_secrets (
  webhook_secret_id integer generated always as identity primary key,
  secret text not null,
  created_at timestamptz not null default now()
);
