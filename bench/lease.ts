import { createHash, randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { identityOf, mayBeAlive } from '../core/process-identity.ts'
import { wireKey } from './resource-place.ts'
import type { Resource } from './resource.ts'

const holderSchema = z.object({
  resource: z.string(),
  command: z.string(),
  sinceMs: z.number(),
  process: z.object({ pid: z.number(), host: z.string(), boot: z.string(), space: z.string(), start: z.string() }),
})

type Holder = z.infer<typeof holderSchema>

interface Claim {
  readonly name: string
  readonly held: boolean
  /** Undefined where the file cannot be read: whoever wrote it may still be there. */
  readonly holder: Holder | undefined
}

/** Two that came in the same moment settle it within a few file operations; this is patience for a busy machine. */
const SETTLING_MS = 500
const LOOK_AGAIN_MS = 2

/**
 * Takes a wire for this process alone, until disposed or until the process ends.
 *
 * Every process that wants the wire first lays down a claim of its own and then looks for others: of two, at least
 * one sees the other. It holds the wire once it has seen itself alone. Files of processes that are gone count for
 * nothing and are removed; since no two claims have one name, nobody's living claim is ever removed by another.
 *
 * Throws: TRANSPORT_LOCKED naming who holds it; TRANSPORT_OPEN_FAILED where no lock file can be written.
 */
export async function takeLease(
  resource: Resource,
  signal: AbortSignal,
  folder: string = leaseFolder(),
): Promise<AsyncDisposable> {
  const key = createHash('sha256')
    .update(await sharedKey(resource))
    .digest('hex')
    .slice(0, 16)
  const name = `${key}.${randomUUID()}`
  layDown(folder, name, resource)
  try {
    for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
      const others = claimsOn(folder, key).filter((claim) => claim.name !== name)
      if (others.length === 0) break
      // Of claims that came in the same moment the first by name stays; the others give way to it.
      const stronger = others.find(({ held, name: other }) => held || other < name)
      if (stronger !== undefined || waitedMs >= SETTLING_MS) throw locked(resource, folder, stronger ?? others[0]!)
      await sleep(LOOK_AGAIN_MS, undefined, { signal })
    }
    linkSync(claimFile(folder, name), heldFile(folder, name))
  } catch (error) {
    takeBack(folder, name)
    throw error
  }
  return {
    [Symbol.asyncDispose]: async () => takeBack(folder, name),
  }
}

/** One for each user: who may not touch a wire must not be able to lock it, either. */
export function leaseFolder(): string {
  const runtime = process.env['XDG_RUNTIME_DIR']
  return runtime === undefined || runtime === ''
    ? join(tmpdir(), `fringe-${userInfo().username}`, 'leases')
    : join(runtime, 'fringe', 'leases')
}

/** Device files by what they are, whatever link leads to them. */
async function sharedKey(resource: Resource): Promise<string> {
  const key = wireKey(resource)
  return key.startsWith('/') ? realpath(key).catch(() => key) : key
}

const claimFile = (folder: string, name: string): string => join(folder, `${name}.claim`)
const heldFile = (folder: string, name: string): string => join(folder, `${name}.held`)

/** Written aside first: nobody ever reads half a claim. */
function layDown(folder: string, name: string, resource: Resource): void {
  const holder: Holder = {
    resource: resource.text,
    command: [basename(process.argv[1] ?? process.execPath, '.js'), ...process.argv.slice(2)].join(' '),
    sinceMs: Date.now(),
    process: identityOf(process.pid),
  }
  const draft = join(folder, `${name}.draft`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(draft, JSON.stringify(holder))
    renameSync(draft, claimFile(folder, name))
  } catch (cause) {
    const why = `${resource.text}: no lock file can be written to ${folder}: ${(cause as Error).message}`
    throw new BenchError('TRANSPORT_OPEN_FAILED', why, { cause, context: { resource: resource.text, folder } })
  }
}

function takeBack(folder: string, name: string): void {
  rmSync(heldFile(folder, name), { force: true })
  rmSync(claimFile(folder, name), { force: true })
}

/** The claims of processes that may be alive; those of others are removed on the way. */
function claimsOn(folder: string, key: string): readonly Claim[] {
  const files = readdirSync(folder).filter((file) => file.startsWith(`${key}.`))
  return files
    .filter((file) => file.endsWith('.claim'))
    .flatMap((file): Claim[] => {
      const name = file.slice(0, -'.claim'.length)
      const text = readIfThere(join(folder, file))
      if (text === undefined) return []
      const holder = readHolder(text)
      if (holder === undefined || mayBeAlive(holder.process))
        return [{ name, held: files.includes(`${name}.held`), holder }]
      takeBack(folder, name)
      return []
    })
}

/** Undefined when it was taken back a moment ago. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function readHolder(text: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text))
  } catch {
    // Not written by us, or by a disk that was full.
    return undefined
  }
}

function locked(resource: Resource, folder: string, { name, holder }: Claim): BenchError {
  const file = claimFile(folder, name)
  const context = { resource: resource.text, holder, file }
  if (holder === undefined) {
    const why = `${resource.text} is locked by ${file}, which cannot be read; delete it if no other Fringe runs`
    return new BenchError('TRANSPORT_LOCKED', why, { context })
  }
  const { pid } = holder.process
  const who = pid === process.pid ? 'this process itself' : `process ${pid} (${holder.command})`
  const asWhat = holder.resource === resource.text ? '' : ` as ${holder.resource}`
  const since = new Date(holder.sinceMs).toISOString()
  const why = `${resource.text} is held by ${who}${asWhat} since ${since}; wait until it is done, or end it`
  return new BenchError('TRANSPORT_LOCKED', why, { context })
}
