-- Up Migration

-- Wakes the processes that work on `subject`, a deployment or a destination, when this transaction commits:
-- by a notification, which costs no look-up. What is due may be `older` than what was claimed last: they
-- look at the whole of its queue then. A notification can be lost with its connection, so that a job
-- comes behind it. One job serves all the wake-ups of its five seconds: a job that waits is locked until this
-- transaction's end, and a worker skips it until then, so that it runs after this commit in any case.
create function posthaste.wake(task text, subject text, payload json, older boolean default false) returns bigint
language plpgsql as $$
declare
  job_key constant text := task || ':' || subject;
  job_id bigint;
begin
  perform pg_notify('posthaste_' || task || case when older then '_older' else '' end, subject);
  select id into job_id from graphile_worker._private_jobs
  where key = job_key and is_available for share;
  if job_id is not null then
    return job_id;
  end if;
  return posthaste.wake_up(task, payload, job_key, now() + interval '5 seconds');
end $$;
