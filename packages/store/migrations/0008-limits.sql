-- Up Migration

alter table posthaste.api_keys
  add column requests_per_second integer check (requests_per_second > 0),
  add column max_queued integer check (max_queued > 0);
comment on column posthaste.api_keys.requests_per_second is 'Calls a second in each api process; null: the setting REQUESTS_PER_SECOND_PER_KEY.';
comment on column posthaste.api_keys.max_queued is 'Queued batches of its calls; null: the setting MAX_QUEUED_PER_KEY.';

-- A key's queued batches are counted without reading those that have ended.
create index batches_queued_by_key on posthaste.batches (key_id)
  where state = 'queued' and key_id is not null;
