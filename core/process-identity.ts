import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * A process, told apart from a later one that got the same number.
 *
 * Source: proc(5): boot_id, ns/pid, and field 22 of stat (start time in ticks since boot). Where there is no
 * /proc, `boot`, `space` and `start` are empty and the number alone must do.
 */
export interface ProcessIdentity {
  readonly pid: number
  readonly host: string
  readonly boot: string
  /** Numbers of processes have a meaning only within one of these. */
  readonly space: string
  readonly start: string
}

export function identityOf(pid: number): ProcessIdentity {
  return {
    pid,
    host: hostname(),
    boot: orEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()),
    space: orEmpty(() => readlinkSync('/proc/self/ns/pid')),
    start: orEmpty(() => startTicks(readFileSync(`/proc/${pid}/stat`, 'latin1'))),
  }
}

/** False when that process is certainly gone. A process on another host cannot be seen, and counts as alive. */
export function mayBeAlive(known: ProcessIdentity): boolean {
  const now = identityOf(known.pid)
  if (known.host !== now.host) return true
  if (known.boot !== now.boot || known.space !== now.space) return false
  return known.start === now.start && answersSignals(known.pid)
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Not allowed to signal it: then it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The name of a program, second field, may hold spaces and brackets of its own. */
function startTicks(stat: string): string {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[19] ?? ''
}

function orEmpty(read: () => string): string {
  try {
    return read()
  } catch {
    // No /proc, or no such process.
    return ''
  }
}
