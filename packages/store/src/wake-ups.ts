/**
 * A wake-up says "something is due for this key". It holds no work: what is due is found in the tables, so
 * a wake-up may be late, repeated or merged with another.
 *
 * One that is for now is a notification, which every process of its kind hears, with a graphile-worker job
 * some seconds later for the case that it is lost (`posthaste.wake`, migration 0011). One that is for later
 * is such a job alone. `posthaste.wake_up` (migration 0004) adds a job without the gap that graphile-worker's
 * own `add_job` has.
 */

/** SQL that wakes the runners of a deployment; `id` is an expression for `deployment/branch/version`. */
export const wakeInfer = (id: string) =>
  `posthaste.wake('infer', ${id}, json_build_object('deployment', ${id}))`

/** The same for batches that may be older than those that were claimed last. */
export const wakeInferOlder = (id: string) =>
  `posthaste.wake('infer', ${id}, json_build_object('deployment', ${id}), true)`

/** SQL that wakes the dispatchers for a destination now. */
export const wakeDeliver = (destination: string) =>
  `posthaste.wake('deliver', ${destination}, json_build_object('destination', ${destination}))`

/** The same for deliveries that may be older than those that were claimed last. */
export const wakeDeliverOlder = (destination: string) =>
  `posthaste.wake('deliver', ${destination}, json_build_object('destination', ${destination}), true)`

/**
 * SQL that wakes a destination's dispatcher at a time. Its key has the time in it: adding a key again
 * moves its job, and an early wake-up must not be moved later.
 */
export const wakeDeliverAt = (destination: string, at: string) =>
  `posthaste.wake_up('deliver', json_build_object('destination', ${destination}), 'deliver:' || ${destination} || ':' || extract(epoch from ${at})::bigint, ${at})`

/** SQL that wakes the expiry of batches at a time. */
export const wakeExpireAt = (at: string) =>
  `posthaste.wake_up('expire', '{}', 'expire:' || extract(epoch from ${at})::bigint, ${at})`

/** SQL that wakes the work on redeliveries. */
export const wakeRedeliver = "posthaste.wake_up('redeliver', '{}', 'redeliver')"

/** SQL that rounds a time up to a whole second, so that many timed wake-ups share one job. */
export const wholeSecond = (at: string) => `to_timestamp(ceil(extract(epoch from ${at})))`
