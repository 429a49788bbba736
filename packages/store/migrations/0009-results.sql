-- Up Migration

-- Without a default the column is only described, no row is written.
alter table posthaste.batches add column public_url text;
comment on column posthaste.batches.public_url is 'Where its caller reaches the api, when it asked for a link to the result in place of the result; null otherwise.';

-- It signs the links to results. One row: made by the first process that needs it, and shared by all.
create table posthaste.link_secret (
  is_only boolean primary key default true check (is_only),
  secret text not null,
  created_at timestamptz not null default now()
);

-- Exhausted deliveries by the time of it, to count those of a day. Each enters once, and there are few.
create index deliveries_exhausted on posthaste.deliveries (finished_at) where state = 'exhausted';
