-- Up Migration

-- Whether a process lives is judged by its beats, counted, not by times: the clock of PostgreSQL may be set.
alter table posthaste.workers
  add column beats bigint not null default 0,
  add column pid_space text;
comment on column posthaste.workers.beats is 'How often it was heard. One whose count stands still is given up, whatever the clocks say.';
comment on column posthaste.workers.pid_space is 'Where its pid is valid: processes of the same space see whether it still runs. Null where that cannot be told.';
