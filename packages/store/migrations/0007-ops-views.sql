-- Up Migration

-- Each batch, attempt and delivery that was given up enters one of these once: some 3 µs of the 100 that
-- a batch takes of PostgreSQL. They are built under locks, about a second for a million rows, in which
-- nothing is accepted or recorded.
create index batches_finished on posthaste.batches (finished_at) where finished_at is not null;
create index attempts_started on posthaste.attempts (started_at);
create index deliveries_given_up on posthaste.deliveries (finished_at)
  where state in ('exhausted', 'gone');

create schema ops;
comment on schema ops is 'What operators read: views with documented columns that stay from version to version, for the role posthaste_operator. Never a body, a key or a secret.';

-- As posthaste.first_batch_id, in a form that is part of the statement's plan: PostgreSQL takes an epoch of
-- a timestamptz for something that depends on the session's time zone, and calls a function for each row.
create function ops.batch_id_at(at timestamptz) returns uuid
language sql immutable parallel safe
return (lpad(to_hex(floor(extract(epoch from at at time zone 'UTC') * 1000)::bigint), 12, '0')
  || '70008000000000000000')::uuid;
comment on function ops.batch_id_at is 'The lower bound of the batchIds of a time. "batch_id >= ops.batch_id_at(now() - interval ''1 hour'')" finds the batches of the last hour by the primary key, where a condition on accepted_at reads all batches. The time in a batchId is by the clock of the api: a batch may be accepted some milliseconds later.';

create function ops.batch_time(batch_id uuid) returns timestamptz
language sql immutable parallel safe
return to_timestamp(
  ('x' || lpad(translate(left(batch_id::text, 13), '-', ''), 16, '0'))::bit(64)::bigint / 1000.0);
comment on function ops.batch_time is 'When the batch was called: the time in its batchId, to the millisecond, by the clock of the api.';

-- What a view shows of another table is a query for each row shown, not a join: for a join PostgreSQL may
-- read the other table whole, all its partitions, where a look-up goes to the one that the batchId is in.
create view ops.batches as
select batch.batch_id, batch.state, batch.deployment, batch.branch, batch.version,
  batch.accepted_at, batch.started_at, batch.finished_at,
  (extract(epoch from batch.started_at - batch.accepted_at) * 1000)::bigint as wait_ms,
  (extract(epoch from batch.finished_at - batch.started_at) * 1000)::bigint as run_ms,
  batch.status, batch.code, batch.runs, batch.claimed_by as worker_id,
  batch.synchronous, batch.priority, batch.timeout_seconds, batch.expires_at,
  batch.key_id, key.name as key_name, batch.destination,
  (select state from posthaste.deliveries delivery where delivery.batch_id = batch.batch_id)
    as delivery_state,
  batch.erased_at
from posthaste.batches batch
  left join posthaste.api_keys key on key.key_id = batch.key_id;
comment on view ops.batches is 'One row per batch. Bound the time by batch_id, see ops.batch_id_at: accepted_at has no index, finished_at has one. A batchId sorts by its time.';
comment on column ops.batches.batch_id is 'The batchId, a UUIDv7: it sorts by time.';
comment on column ops.batches.state is 'queued, running, succeeded, failed, canceled or expired. For running add "worker_id is not null": it finds them without reading the others.';
comment on column ops.batches.deployment is 'Name of the deployment.';
comment on column ops.batches.branch is 'Branch of the deployment.';
comment on column ops.batches.version is 'Version of the deployment that was resolved when the call was accepted.';
comment on column ops.batches.accepted_at is 'When it was written, by the clock of the database.';
comment on column ops.batches.started_at is 'When it was last given to a runner; null: never.';
comment on column ops.batches.finished_at is 'When it ended; null: it has not.';
comment on column ops.batches.wait_ms is 'Milliseconds from accepted_at to started_at.';
comment on column ops.batches.run_ms is 'Milliseconds from started_at to finished_at.';
comment on column ops.batches.status is 'The HTTP status that a synchronous call was, or would have been, answered with; null until it ends.';
comment on column ops.batches.code is 'Why it did not succeed, in a word: deployment_error, timeout, crashed, out_of_memory, model_unreachable, expired, canceled …; null for one that succeeded.';
comment on column ops.batches.runs is 'How often it was given to a runner and not handed back in order. More than 1: a runner died with it.';
comment on column ops.batches.worker_id is 'The runner that has it, see ops.workers; null unless it is running.';
comment on column ops.batches.synchronous is 'Its caller waits for the result.';
comment on column ops.batches.priority is 'Lower runs first; what is synchronous comes before all.';
comment on column ops.batches.timeout_seconds is 'Seconds that the inference may take.';
comment on column ops.batches.expires_at is 'It is given up if it has not started by then; null: it may wait for ever.';
comment on column ops.batches.key_id is 'Id of the key that made the call; null: none, or OPERATOR_KEY.';
comment on column ops.batches.key_name is 'Name of that key.';
comment on column ops.batches.destination is 'Host and port of its webhook; null: there is none.';
comment on column ops.batches.delivery_state is 'State of its delivery; null: there is none, or none before the batch ends. To find all of a state ask ops.deliveries.';
comment on column ops.batches.erased_at is 'When its request and result were dropped, by its caller or by age; null: they are kept.';

create view ops.deliveries as
select delivery.batch_id, delivery.state, delivery.destination,
  (select deployment from posthaste.batches batch where batch.batch_id = delivery.batch_id) as deployment,
  (select branch from posthaste.batches batch where batch.batch_id = delivery.batch_id) as branch,
  (select version from posthaste.batches batch where batch.batch_id = delivery.batch_id) as version,
  (select key_id from posthaste.batches batch where batch.batch_id = delivery.batch_id) as key_id,
  (select name from posthaste.api_keys key where key.key_id = (
    select key_id from posthaste.batches batch where batch.batch_id = delivery.batch_id)) as key_name,
  delivery.attempts, delivery.next_attempt_at, delivery.claimed_by as worker_id,
  delivery.pending_since, delivery.finished_at, delivery.round,
  (select error from posthaste.attempts last where last.batch_id = delivery.batch_id
    order by round desc, attempt desc limit 1) as last_error,
  (select status from posthaste.attempts last where last.batch_id = delivery.batch_id
    order by round desc, attempt desc limit 1) as last_status
from posthaste.deliveries delivery;
comment on view ops.deliveries is 'One row per batch whose webhook is due, was delivered or was given up. Bound the time by batch_id, see ops.batch_id_at, or read a state in full as its comment says.';
comment on column ops.deliveries.batch_id is 'The batchId, which is the webhook''s webhook-id too.';
comment on column ops.deliveries.state is 'pending, delivered, exhausted (given up after the last attempt) or gone (the receiver said 410). Without reading the others: exhausted and gone as they are; pending ones that wait with "worker_id is null" and either "attempts = 0" or "attempts > 0"; those in flight with "worker_id is not null".';
comment on column ops.deliveries.destination is 'Host and port of the webhook.';
comment on column ops.deliveries.deployment is 'Name of the deployment that was called.';
comment on column ops.deliveries.branch is 'Branch of the deployment.';
comment on column ops.deliveries.version is 'Version of the deployment.';
comment on column ops.deliveries.key_id is 'Id of the key that made the call; null: none, or OPERATOR_KEY.';
comment on column ops.deliveries.key_name is 'Name of that key.';
comment on column ops.deliveries.attempts is 'Attempts that were made in this round.';
comment on column ops.deliveries.next_attempt_at is 'The earliest time of the next attempt. A destination that is paused or whose circuit is open makes it later. Says nothing of one that has ended.';
comment on column ops.deliveries.worker_id is 'The dispatcher that is attempting it now, see ops.workers; null: none is.';
comment on column ops.deliveries.pending_since is 'When its round began: when the batch ended, or when it was asked to be delivered again.';
comment on column ops.deliveries.finished_at is 'When it was delivered or given up; null while it is pending.';
comment on column ops.deliveries.round is '1, and one more for each time that it was asked to be delivered again.';
comment on column ops.deliveries.last_error is 'Error of the latest attempt; null: it delivered, or there is none.';
comment on column ops.deliveries.last_status is 'Status of the latest attempt''s reply; null: there was no reply, or no attempt.';

create view ops.attempts as
select attempt.batch_id, attempt.round, attempt.attempt,
  (select destination from posthaste.deliveries delivery where delivery.batch_id = attempt.batch_id)
    as destination,
  attempt.started_at, attempt.duration_ms, attempt.status, attempt.error, attempt.detail,
  attempt.address,
  (attempt.timings ->> 'dnsMs')::float8 as dns_ms,
  (attempt.timings ->> 'connectMs')::float8 as connect_ms,
  (attempt.timings ->> 'tlsMs')::float8 as tls_ms,
  (attempt.timings ->> 'sendMs')::float8 as send_ms,
  (attempt.timings ->> 'waitMs')::float8 as wait_ms,
  (attempt.timings ->> 'readMs')::float8 as read_ms
from posthaste.attempts attempt;
comment on view ops.attempts is 'One row per attempt to deliver a webhook, in flight ones not yet. Bound the time by started_at, or name the batch_id.';
comment on column ops.attempts.batch_id is 'The batchId.';
comment on column ops.attempts.round is 'The round of the delivery that it belongs to.';
comment on column ops.attempts.attempt is '1, 2, 3 … in each round.';
comment on column ops.attempts.destination is 'Host and port of the webhook.';
comment on column ops.attempts.started_at is 'When it was begun.';
comment on column ops.attempts.duration_ms is 'Milliseconds that it took, from DNS to the last byte of the reply.';
comment on column ops.attempts.status is 'HTTP status of the reply; null: there was none.';
comment on column ops.attempts.error is 'Why it failed, of a closed list that docs/receiving-webhooks.md explains; null: it delivered.';
comment on column ops.attempts.detail is 'The error in words. Never the reply.';
comment on column ops.attempts.address is 'IP address that was connected to.';
comment on column ops.attempts.dns_ms is 'Milliseconds of looking up the name; null for a phase that there was not.';
comment on column ops.attempts.connect_ms is 'Milliseconds of connecting.';
comment on column ops.attempts.tls_ms is 'Milliseconds of agreeing on TLS.';
comment on column ops.attempts.send_ms is 'Milliseconds of sending the request.';
comment on column ops.attempts.wait_ms is 'Milliseconds of waiting for the reply''s first byte.';
comment on column ops.attempts.read_ms is 'Milliseconds of reading the reply.';

-- The backlog from the head of each partial index of the claims, the rest from the attempts of a
-- quarter of an hour: a probe is made every minute at least, so that an open circuit has some.
create view ops.destinations as
select known.destination,
  case when known.opened_at is null then 'closed'
    when now() >= known.probe_at then 'half_open' else 'open' end as circuit,
  known.opened_at, known.probe_at, known.failed_probes, known.paused_at,
  first.waiting + again.waiting as backlog,
  first.due + again.due as due,
  again.waiting as retrying,
  least(first.oldest, again.oldest) as oldest_pending_at,
  coalesce(recent.attempts, 0) as attempts,
  coalesce(recent.failed, 0) as failed_attempts,
  1 - recent.failed::float8 / recent.attempts as success_rate,
  recent.latency_ms[1] as latency_ms_p50,
  recent.latency_ms[2] as latency_ms_p99,
  recent.last_attempt_at, recent.last_delivered_at, recent.last_error,
  known.first_seen_at
from posthaste.destinations known
  cross join lateral (
    select count(*) as waiting, count(*) filter (where next_attempt_at <= now()) as due,
      min(pending_since) as oldest
    from posthaste.deliveries waiting
    where waiting.destination = known.destination and state = 'pending' and claimed_by is null
      and attempts = 0) first
  cross join lateral (
    select count(*) as waiting, count(*) filter (where next_attempt_at <= now()) as due,
      min(pending_since) as oldest
    from posthaste.deliveries waiting
    where waiting.destination = known.destination and state = 'pending' and claimed_by is null
      and attempts > 0) again
  left join (
    select destination, count(*) as attempts, count(error) as failed,
      percentile_disc(array[0.5, 0.99]) within group (order by duration_ms) as latency_ms,
      max(started_at) as last_attempt_at,
      max(started_at) filter (where error is null) as last_delivered_at,
      (array_agg(error order by started_at desc))[1] as last_error
    from ops.attempts
    where started_at >= now() - interval '15 minutes'
      and batch_id >= (select ops.batch_id_at(now() - interval '31 days'))
    group by destination) recent on recent.destination = known.destination;
comment on view ops.destinations is 'One row per receiver that a webhook was ever meant for, with its circuit, its backlog, and its attempts of the last 15 minutes.';
comment on column ops.destinations.destination is 'Host and port of the webhooks.';
comment on column ops.destinations.circuit is 'closed; open: it is down, and its backlog waits for a probe; half_open: the next delivery is attempted as a probe.';
comment on column ops.destinations.opened_at is 'Since when it is down: its circuit opened then; null while it is closed.';
comment on column ops.destinations.probe_at is 'When it is next probed; null while its circuit is closed.';
comment on column ops.destinations.failed_probes is 'Probes that failed since the circuit opened.';
comment on column ops.destinations.paused_at is 'An operator paused it then: nothing is sent until it is resumed; null: it is not paused.';
comment on column ops.destinations.backlog is 'Deliveries that wait for an attempt, now or later. Those in flight are not among them.';
comment on column ops.destinations.due is 'Those of the backlog whose time has come.';
comment on column ops.destinations.retrying is 'Those of the backlog that have failed before.';
comment on column ops.destinations.oldest_pending_at is 'Since when the oldest of the backlog waits to be delivered.';
comment on column ops.destinations.attempts is 'Attempts of the last 15 minutes.';
comment on column ops.destinations.failed_attempts is 'Those of the attempts that failed.';
comment on column ops.destinations.success_rate is 'Share of the attempts that delivered, 0 to 1; null without one.';
comment on column ops.destinations.latency_ms_p50 is 'Half of the attempts took at most so many milliseconds.';
comment on column ops.destinations.latency_ms_p99 is '99 % of the attempts took at most so many milliseconds.';
comment on column ops.destinations.last_attempt_at is 'When the latest of the attempts was begun.';
comment on column ops.destinations.last_delivered_at is 'When the latest of the attempts that delivered was begun.';
comment on column ops.destinations.last_error is 'Error of the latest of the attempts; null: it delivered, or there is none.';
comment on column ops.destinations.first_seen_at is 'When the first call named it.';

create view ops.queue as
select deployment, branch, version,
  count(*) filter (where state = 'queued') as queued,
  count(*) filter (where state = 'queued' and synchronous) as queued_synchronous,
  min(accepted_at) filter (where state = 'queued') as oldest_queued_at,
  extract(epoch from now() - min(accepted_at) filter (where state = 'queued'))::float8
    as oldest_age_seconds,
  min(expires_at) filter (where state = 'queued') as next_expiry_at,
  count(*) filter (where state = 'running') as running,
  min(started_at) filter (where state = 'running') as oldest_started_at
from (
  select deployment, branch, version, state, synchronous, accepted_at, started_at, expires_at
  from posthaste.batches where state = 'queued'
  union all
  select deployment, branch, version, state, synchronous, accepted_at, started_at, expires_at
  from posthaste.batches where claimed_by is not null) unfinished
group by deployment, branch, version;
comment on view ops.queue is 'One row per version of a deployment that has batches which are queued or running: depth and oldest age. A deployment that is idle has no row.';
comment on column ops.queue.deployment is 'Name of the deployment.';
comment on column ops.queue.branch is 'Branch of the deployment.';
comment on column ops.queue.version is 'Version of the deployment.';
comment on column ops.queue.queued is 'Batches that wait for a runner.';
comment on column ops.queue.queued_synchronous is 'Those of them whose callers wait for the result.';
comment on column ops.queue.oldest_queued_at is 'When the oldest of the batches that wait was accepted.';
comment on column ops.queue.oldest_age_seconds is 'Seconds that the oldest of them has waited.';
comment on column ops.queue.next_expiry_at is 'When the first of them is given up if it has not started; null: none has a limit.';
comment on column ops.queue.running is 'Batches that a runner has.';
comment on column ops.queue.oldest_started_at is 'When the one that runs for the longest was started.';

-- The deployments are read one after the other from an index: as many steps as there are of them,
-- however many batches each has.
create view ops.deployments as
with recursive ended as (
  (select deployment, branch, version from posthaste.batches where finished_at is not null
    order by deployment, branch, version limit 1)
  union all
  select next.deployment, next.branch, next.version
  from ended cross join lateral (
    select batch.deployment, batch.branch, batch.version from posthaste.batches batch
    where finished_at is not null
      and (batch.deployment, batch.branch, batch.version)
        > (ended.deployment, ended.branch, ended.version)
    order by batch.deployment, batch.branch, batch.version limit 1) next),
known as (
  select deployment, branch, version from ended
  union select deployment, branch, version from ops.queue)
select known.deployment, known.branch, known.version,
  coalesce(queue.queued, 0) as queued, coalesce(queue.running, 0) as running,
  latest.accepted_at as last_accepted_at, latest.finished_at as last_finished_at,
  latest.state as last_state,
  recent.finished, recent.failed, recent.run_ms[1] as run_ms_p50, recent.run_ms[2] as run_ms_p95
from known
  left join ops.queue queue on queue.deployment = known.deployment and queue.branch = known.branch
    and queue.version = known.version
  left join lateral (
    select batch.accepted_at, batch.finished_at, batch.state from posthaste.batches batch
    where batch.deployment = known.deployment and batch.branch = known.branch
      and batch.version = known.version and batch.finished_at is not null
    order by batch.batch_id desc limit 1) latest on true
  cross join lateral (
    select count(*) as finished, count(*) filter (where batch.state = 'failed') as failed,
      percentile_disc(array[0.5, 0.95]) within group (
        order by (extract(epoch from batch.finished_at - batch.started_at) * 1000)::bigint) as run_ms
    from posthaste.batches batch
    where batch.deployment = known.deployment and batch.branch = known.branch
      and batch.version = known.version and batch.finished_at is not null
      and batch.batch_id >= ops.batch_id_at(now() - interval '1 hour')) recent;
comment on view ops.deployments is 'One row per version of a deployment that a batch was accepted for, as long as one of its batches is kept, with its batches of the last hour.';
comment on column ops.deployments.deployment is 'Name of the deployment.';
comment on column ops.deployments.branch is 'Branch of the deployment.';
comment on column ops.deployments.version is 'Version of the deployment.';
comment on column ops.deployments.queued is 'Batches that wait for a runner.';
comment on column ops.deployments.running is 'Batches that a runner has.';
comment on column ops.deployments.last_accepted_at is 'When the newest batch that has ended was accepted; null: none has ended.';
comment on column ops.deployments.last_finished_at is 'When that batch ended.';
comment on column ops.deployments.last_state is 'How that batch ended.';
comment on column ops.deployments.finished is 'Batches of the last hour''s calls that have ended.';
comment on column ops.deployments.failed is 'Those of them that failed.';
comment on column ops.deployments.run_ms_p50 is 'Half of them ran for at most so many milliseconds.';
comment on column ops.deployments.run_ms_p95 is '95 % of them ran for at most so many milliseconds.';

-- Each minute is a look-up in the indexes, and a condition on the minute is met before them: an hour
-- costs what is in that hour. A batch may end, or be delivered again, long after it was called, so those of a month are looked at:
-- the bound is a query of its own, so that it is not computed for each row.
create view ops.throughput as
select minutes.minute, accepted.accepted,
  finished.finished, finished.failed, finished.canceled, finished.expired,
  finished.latency_ms[1] as finish_ms_p50,
  finished.latency_ms[2] as finish_ms_p95,
  finished.latency_ms[3] as finish_ms_p99,
  attempted.attempts, attempted.failed_attempts, attempted.delivered, given_up.given_up,
  attempted.latency_ms[1] as deliver_ms_p50,
  attempted.latency_ms[2] as deliver_ms_p95,
  attempted.latency_ms[3] as deliver_ms_p99
from generate_series(date_trunc('minute', now()) - interval '1439 minutes',
    date_trunc('minute', now()), interval '1 minute') minutes(minute)
  cross join lateral (
    select count(*) as accepted from posthaste.batches
    where batch_id >= ops.batch_id_at(minutes.minute)
      and batch_id < ops.batch_id_at(minutes.minute + interval '1 minute')) accepted
  cross join lateral (
    select count(*) as finished, count(*) filter (where state = 'failed') as failed,
      count(*) filter (where state = 'canceled') as canceled,
      count(*) filter (where state = 'expired') as expired,
      percentile_disc(array[0.5, 0.95, 0.99]) within group (
        order by (extract(epoch from finished_at - accepted_at) * 1000)::bigint) as latency_ms
    from posthaste.batches
    where finished_at >= minutes.minute and finished_at < minutes.minute + interval '1 minute'
      and batch_id >= (select ops.batch_id_at(now() - interval '31 days'))) finished
  cross join lateral (
    select count(*) as attempts, count(error) as failed_attempts,
      count(*) filter (where error is null) as delivered,
      percentile_disc(array[0.5, 0.95, 0.99]) within group (
        order by (extract(epoch from started_at - ops.batch_time(batch_id)) * 1000)::bigint
          + duration_ms)
        filter (where error is null and round = 1) as latency_ms
    from posthaste.attempts
    where started_at >= minutes.minute and started_at < minutes.minute + interval '1 minute'
      and batch_id >= (select ops.batch_id_at(now() - interval '31 days'))) attempted
  cross join lateral (
    select count(*) as given_up from posthaste.deliveries
    where state in ('exhausted', 'gone')
      and finished_at >= minutes.minute and finished_at < minutes.minute + interval '1 minute'
      and batch_id >= (select ops.batch_id_at(now() - interval '31 days'))) given_up;
comment on view ops.throughput is 'One row per minute of the last 24 hours, idle ones too: what was accepted, finished and delivered in it. Name the minutes that you want: each costs its share. What concerns batches of more than a month before is left out.';
comment on column ops.throughput.minute is 'The minute''s beginning. The latest is not over.';
comment on column ops.throughput.accepted is 'Batches that were called in the minute.';
comment on column ops.throughput.finished is 'Batches that ended in it, in whatever way.';
comment on column ops.throughput.failed is 'Those of them that failed.';
comment on column ops.throughput.canceled is 'Those of them that were canceled.';
comment on column ops.throughput.expired is 'Those of them that expired.';
comment on column ops.throughput.finish_ms_p50 is 'Half of them ended at most so many milliseconds after they were accepted.';
comment on column ops.throughput.finish_ms_p95 is '95 % of them ended at most so many milliseconds after they were accepted.';
comment on column ops.throughput.finish_ms_p99 is '99 % of them ended at most so many milliseconds after they were accepted.';
comment on column ops.throughput.attempts is 'Attempts to deliver that were begun in the minute.';
comment on column ops.throughput.failed_attempts is 'Those of them that failed.';
comment on column ops.throughput.delivered is 'Those of them that delivered.';
comment on column ops.throughput.given_up is 'Deliveries that were given up in the minute, exhausted or gone.';
comment on column ops.throughput.deliver_ms_p50 is 'Half of those that were delivered in their first round arrived at most so many milliseconds after the call.';
comment on column ops.throughput.deliver_ms_p95 is '95 % of those that were delivered in their first round arrived at most so many milliseconds after the call.';
comment on column ops.throughput.deliver_ms_p99 is '99 % of those that were delivered in their first round arrived at most so many milliseconds after the call.';

create view ops.workers as
select worker.worker_id, worker.role, worker.pid, worker.started_at, worker.heartbeat_at,
  extract(epoch from now() - worker.heartbeat_at)::float8 as silent_seconds,
  (select count(*) from posthaste.batches where claimed_by = worker.worker_id) as batches,
  (select count(*) from posthaste.deliveries where claimed_by = worker.worker_id) as deliveries
from posthaste.workers worker;
comment on view ops.workers is 'One row per runner and dispatcher. One that stops in order removes its row; one that is silent for 15 seconds is given up by the others, and its row is removed.';
comment on column ops.workers.worker_id is 'The id that what it has claimed bears.';
comment on column ops.workers.role is 'runner or dispatcher.';
comment on column ops.workers.pid is 'Its process id, on its own machine.';
comment on column ops.workers.started_at is 'When it started, or came back after it had been given up.';
comment on column ops.workers.heartbeat_at is 'When it last said that it lives; it does so every 3 seconds.';
comment on column ops.workers.silent_seconds is 'Seconds since then.';
comment on column ops.workers.batches is 'Batches that it is running.';
comment on column ops.workers.deliveries is 'Deliveries that it is attempting.';

-- A role belongs to the server, not to the database: it is missing after a restore elsewhere, and who
-- owns the database may be forbidden to make it. So this is run after every `pnpm migrate`.
create function posthaste.admit_operators() returns text language plpgsql as $$
declare
  limits constant text[][] := array[
    ['statement_timeout', '10s'],
    ['transaction_timeout', '30s'],
    ['idle_in_transaction_session_timeout', '10s'],
    ['lock_timeout', '1s'],
    ['default_transaction_read_only', 'on'],
    ['max_parallel_workers_per_gather', '0'],
    -- The views are made for indexes: what little an operator asks of them is not worth a whole table.
    ['enable_seqscan', 'off'],
    ['random_page_cost', '1.1'],
    ['jit', 'off']];
  missing text[] := '{}';
begin
  -- Two that grant at once would fail each other.
  perform pg_advisory_xact_lock(hashtext('posthaste.admit_operators'));
  if not exists (select from pg_roles where rolname = 'posthaste_operator') then
    missing := array['create role posthaste_operator nologin connection limit 20'];
  end if;
  -- What an administrator has set otherwise stays.
  for i in 1 .. array_length(limits, 1) loop
    if exists (select from pg_settings where name = limits[i][1]) and not exists (
      select from pg_roles, unnest(rolconfig) setting
      where rolname = 'posthaste_operator' and split_part(setting, '=', 1) = limits[i][1])
    then
      missing := missing
        || format('alter role posthaste_operator set %s = %L', limits[i][1], limits[i][2]);
    end if;
  end loop;

  while cardinality(missing) > 0 loop
    begin
      execute missing[1];
    exception
      -- Another database of this server is migrated at the same time.
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then
        return array_to_string(missing, E';\n') || ';';
    end;
    missing := missing[2:];
  end loop;

  grant usage on schema ops to posthaste_operator;
  grant select on all tables in schema ops to posthaste_operator;
  grant execute on all functions in schema ops to posthaste_operator;
  return null;
end $$;
comment on function posthaste.admit_operators is 'Makes the role posthaste_operator, gives it its limits, and lets it read the views in ops. Gives the statements that an administrator has to run first, where the user of the database may not run them; null when all is done.';

do $$
declare
  left_to_do text := posthaste.admit_operators();
begin
  if left_to_do is not null then
    raise notice 'operators cannot read the views in ops yet; have an administrator of the server run the following, then `pnpm migrate` again'
      using detail = left_to_do;
  end if;
end $$;
