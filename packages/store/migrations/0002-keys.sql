-- Up Migration

create table posthaste.api_keys (
  key_id uuid primary key,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz,
  scope text not null check (scope in ('operator', 'caller')),
  name text not null,
  key_digest bytea not null unique
);
comment on column posthaste.api_keys.key_digest is 'SHA-256 of the key. A key is 256 random bits, which nobody can guess, so that a slow hash as for passwords would protect nothing and cost each call its time.';
comment on column posthaste.api_keys.last_used_at is 'To the minute.';

-- Without a default the column is only described, no row is written. No foreign key either: its check
-- would lock the key's row in every call's statement, and a key's row outlives its batches anyway.
alter table posthaste.batches add column key_id uuid;
comment on column posthaste.batches.key_id is 'The key that made the call; null for a call without one and for OPERATOR_KEY.';
create index batches_by_key on posthaste.batches (key_id, batch_id) where key_id is not null;

-- A row without a key is the default secret's, the first of which is given the id 1.
alter table posthaste.webhook_secrets
  add column key_id uuid references posthaste.api_keys on delete cascade,
  add column expires_at timestamptz;
alter table posthaste.webhook_secrets alter column webhook_secret_id restart with 2;
comment on column posthaste.webhook_secrets.expires_at is 'Until when it signs beside its successor; null for the one that is current.';
create index webhook_secrets_by_key on posthaste.webhook_secrets (key_id);
