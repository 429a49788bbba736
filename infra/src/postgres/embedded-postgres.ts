import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, chown, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../processes/log-line.ts'
import { findFreePort, findPortFault } from '../processes/ports.ts'
import { findProcessCommand } from '../processes/process-command.ts'
import { findPostgresBinaries } from './postgres-binaries.ts'
import { type PostgresHome, preparePostgresHome } from './postgres-home.ts'

const host = '127.0.0.1'

export type EmbeddedPostgres = Awaited<ReturnType<typeof startEmbeddedPostgres>>

/**
 * Starts the PostgreSQL that comes with our npm packages, with its cluster in `dir` and a database
 * `posthaste`. It listens on 127.0.0.1 alone, and lives on when this process ends without `stop()`.
 * The connection string, with a random password, is kept in the file `url` of `dir`.
 *
 * `port` 0 or undefined takes the port of the last time, or a free one where that is taken now.
 * `settings` are PostgreSQL's own, by name; `env` adds to its environment. A server that an earlier process left behind in `dir` is
 * stopped first: hold the lock of `dir` (`data-dir-lock.ts`) where two may meet.
 *
 * Throws an error that says what to do when `dir` cannot be used, holds the cluster of another major
 * version, or the port is taken.
 */
export async function startEmbeddedPostgres(options: {
  dir: string
  port?: number
  settings?: Readonly<Record<string, string>>
  env?: Readonly<Record<string, string>>
  log: Log
}) {
  const { dir, settings = {}, env = {}, log } = options
  const home = await preparePostgresHome(dir)
  const binaries = await findPostgresBinaries(home.user)
  const cluster = join(home.path, 'cluster')
  const logFile = join(home.path, 'postgres.log')
  const run = createRun(home, env)

  const urlFile = join(dir, 'url')
  const known = await findUrl(urlFile)
  const version = await findText(join(cluster, 'PG_VERSION'))

  if (await findServerPid(cluster)) {
    log.warn({ dir }, 'stopping the PostgreSQL that an earlier run left behind')
    await stop()
  }
  if (home.isLeftover) await rm(cluster, { recursive: true, force: true })
  const isNew = home.isLeftover || version === undefined
  if (!isNew) requireSameCluster(dir, version.trim(), binaries.majorVersion, known)

  const password = (!isNew && known?.password) || randomBytes(24).toString('base64url')
  let port = await choosePort(options.port, Number(known?.port))
  const formatUrl = (database: string) =>
    `postgres://postgres:${password}@${host}:${port}/${database}`

  // Before the cluster, so that no cluster is ever without its password.
  await writeWhole(urlFile, `${formatUrl('posthaste')}\n`)
  if (isNew) await initialise()
  for (let attempt = 1; ; attempt++) {
    const fault = await tryToStart()
    if (fault === undefined) break
    if (attempt === 3 || options.port || !/could not bind|Address already in use/.test(fault)) {
      throw new Error(`PostgreSQL does not start: ${fault} Its log is ${logFile}.`)
    }
    port = await findFreePort()
  }
  await writeWhole(urlFile, `${formatUrl('posthaste')}\n`)
  try {
    await createDatabase(formatUrl('postgres'), 'posthaste')
  } catch (error) {
    await stop()
    throw error
  }
  log.info({ dir, port }, 'PostgreSQL started')

  async function initialise(): Promise<void> {
    const unfinished = join(home.path, 'cluster.unfinished')
    const passwordFile = join(home.path, 'password')
    await rm(unfinished, { recursive: true, force: true })
    try {
      await writeForServer(passwordFile, password)
      await run(binaries.initdb, [
        `--pgdata=${unfinished}`,
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        ...(settings.fsync === 'off' ? ['--no-sync'] : []),
      ])
    } finally {
      await rm(passwordFile, { force: true })
    }
    // A file, not options of the command line: who starts the server by hand gets the same one.
    await appendFile(join(unfinished, 'postgresql.conf'), "\ninclude 'posthaste.conf'\n")
    // A killed initdb leaves half a cluster; the name says that this one is whole.
    await rm(cluster, { recursive: true, force: true })
    await rename(unfinished, cluster)
  }

  /** Undefined once it runs; else why it does not. */
  async function tryToStart(): Promise<string | undefined> {
    await writeForServer(join(cluster, 'posthaste.conf'), formatSettings({ ...settings, port }))
    const logStart = await stat(logFile).then(
      ({ size }) => size,
      () => 0,
    )
    for (let attempt = 1; ; attempt++) {
      try {
        await run(binaries.pgCtl, ['start', '-w', '-s', '-D', cluster, '-l', logFile])
        return undefined
      } catch (error) {
        const written = (await findText(logFile))?.slice(logStart) ?? ''
        const isHeld = /shared memory block|lock file "postmaster\.pid"/.test(written)
        if (isHeld && attempt < 6 && !(await findServerPid(cluster))) {
          // The backends of a server that was killed end within a second of it. What is in the way
          // after that is its number: another process has it now, or nobody waits for its zombie.
          if (attempt === 5) await rm(join(cluster, 'postmaster.pid'), { force: true })
          await delay(400)
          continue
        }
        return written.match(/(?:FATAL|PANIC): {2}.*/)?.[0] ?? String(error)
      }
    }
  }

  async function stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    const pid = await findServerPid(cluster)
    if (pid === undefined) return
    try {
      await run(binaries.pgCtl, ['stop', '-w', '-s', '-m', mode, '-t', '20', '-D', cluster])
    } catch (cause) {
      if (!(await findServerPid(cluster))) return
      if (mode === 'fast') return stop('immediate')
      throw new Error(
        `PostgreSQL (pid ${pid}) runs in ${cluster} and cannot be stopped; stop it yourself or give another DATA_DIR.`,
        { cause },
      )
    }
  }

  return {
    /** Connection string of the database `posthaste`; the same for as long as this object is used. */
    url: formatUrl('posthaste'),
    port,
    logFile,
    /** The server's process, whoever started it; undefined when none runs. */
    findPid: () => findServerPid(cluster),
    /** Starts a server that ended, on the same port. Throws when it does not start. */
    async startAgain(): Promise<void> {
      const fault = await tryToStart()
      if (fault) throw new Error(`PostgreSQL does not start: ${fault} Its log is ${logFile}.`)
    },
    /** Ends the connections and stops, whoever started it; `immediate` leaves the rest to recovery. */
    stop,
    /** Stops, and deletes the cluster with its data, also where it lives outside of `dir`. */
    async remove(): Promise<void> {
      await stop('immediate')
      for (const path of [home.path, join(dir, 'postgres'), urlFile]) {
        await rm(path, { recursive: true, force: true })
      }
    },
  }

  async function writeForServer(path: string, text: string): Promise<void> {
    await writeFile(path, text, { mode: 0o600 })
    if (home.user.uid !== undefined) await chown(path, home.user.uid, home.user.gid!)
  }
}

/** Runs a program of PostgreSQL's as its user; throws with what it said. */
function createRun(home: PostgresHome, more: Readonly<Record<string, string>>) {
  return async (program: string, args: string[]): Promise<void> => {
    const foreign = /^(PG|LC_|LANG)/i
    const env = Object.entries(process.env).filter(([name]) => !foreign.test(name))
    const child = spawn(program, args, {
      ...home.user,
      cwd: home.path,
      env: { ...Object.fromEntries(env), ...more, LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
      // A session of its own: Ctrl-C in the terminal must reach the supervisor alone.
      detached: true,
    })
    const said = text(child.stderr)
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error((await said).trim() || `${program} ended with ${code}`)
  }
}

function requireSameCluster(
  dir: string,
  version: string,
  majorVersion: number,
  known: URL | undefined,
): void {
  if (version !== majorVersion.toString()) {
    throw new Error(
      `DATA_DIR ${dir} holds a cluster of PostgreSQL ${version}, and this is PostgreSQL ${majorVersion}; give another DATA_DIR, or delete ${dir}/postgres to begin with an empty database.`,
    )
  }
  if (!known?.password) {
    throw new Error(
      `${dir}/url is missing, and with it the password of the database; put it back, or delete ${dir}/postgres to begin with an empty database.`,
    )
  }
}

async function choosePort(wanted: number | undefined, last: number): Promise<number> {
  if (wanted) {
    const fault = await findPortFault(wanted, host)
    if (!fault) return wanted
    throw new Error(`Port ${wanted} for PostgreSQL cannot be used (${fault}); give another.`)
  }
  return last > 0 && !(await findPortFault(last, host)) ? last : findFreePort()
}

const formatSettings = (settings: Record<string, string | number>) =>
  Object.entries({ listen_addresses: host, unix_socket_directories: '', ...settings })
    .map(([name, value]) => `${name} = '${value.toString().replaceAll("'", "''")}'\n`)
    .join('')

async function createDatabase(url: string, name: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const found = await client.query('select from pg_database where datname = $1', [name])
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
}

async function findServerPid(cluster: string): Promise<number | undefined> {
  const pid = await readPidFile(cluster)
  return pid !== undefined && (await isPostmaster(pid)) ? pid : undefined
}

async function readPidFile(cluster: string): Promise<number | undefined> {
  const pid = Number.parseInt((await findText(join(cluster, 'postmaster.pid'))) ?? '', 10)
  return Number.isNaN(pid) ? undefined : pid
}

/** A backend's title is `postgres: …`; only the first process is called by its path alone. */
async function isPostmaster(pid: number): Promise<boolean> {
  const program = (await findProcessCommand(pid))?.[0]
  return program !== undefined && /(^|\/)postgres$/.test(program)
}

async function findUrl(path: string): Promise<URL | undefined> {
  return URL.parse((await findText(path))?.trim() ?? '') ?? undefined
}

async function findText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const unfinished = `${path}.unfinished`
  await writeFile(unfinished, text, { mode: 0o600 })
  await rename(unfinished, path)
}
