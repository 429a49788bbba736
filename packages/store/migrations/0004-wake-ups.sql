-- Up Migration

-- graphile_worker.add_job with a job_key, in a form that cannot lose the wake-up. Between add_job's two
-- statements (it takes the key from a job that runs already, then inserts) a worker may lock the job:
-- the insert then meets a locked job and adds nothing, while that worker looks at tables in which this
-- transaction's rows are not yet to be seen. add_job says so by giving no job, and the second time it
-- sees the lock.
create function posthaste.wake_up(task text, payload json, key text, at timestamptz default null)
returns bigint language plpgsql as $$
declare
  job_id bigint;
begin
  loop
    select id into job_id
    from graphile_worker.add_job(task, payload, job_key => key, run_at => at);
    if job_id is not null then
      return job_id;
    end if;
  end loop;
end $$;
