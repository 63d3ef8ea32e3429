import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import koffi from 'koffi'
import { BenchError } from '../../core/errors.ts'
import { LinePace } from './line-pace.ts'
import type { LinePaceOptions } from './line-pace.ts'
import type { WireInstrument } from './wire-instrument.ts'

/** Room for any C library's `struct termios` (60 bytes on glibc and musl), which only the library reads. */
const TERMIOS_BYTES = 256
const PATH_BYTES = 128
/** `tcsetattr`: at once. */
const TCSANOW = 0
/** How often a full line is tried again: it is full only while the client does not read. */
const FULL_LINE_RETRY_MS = 1

export interface PseudoTerminalOptions {
  /** How fast the line is. Default: as fast as the kernel. */
  readonly pace?: LinePaceOptions
}

/**
 * Puts a simulated instrument behind a serial port of this machine: a pseudo-terminal, raw and without echo.
 *
 * A serial line knows no connections: the instrument sees one client for as long as the port is served, and what
 * it says while nobody has the port open waits in the kernel. A client that stops reading is not listened to
 * until it reads again. Closing the port is what unplugging an adapter is to the client.
 *
 * Throws: TRANSPORT_OPEN_FAILED where no pseudo-terminal can be made, with the reason.
 */
export async function servePseudoTerminal(
  instrument: WireInstrument,
  { pace }: PseudoTerminalOptions = {},
): Promise<{ path: string } & AsyncDisposable> {
  const { master, slave, path } = openPair()
  const stream = new ReadStream(master)
  const writer = new MasterWriter(master, {
    full: () => stream.pause(),
    empty: () => stream.resume(),
  })
  const toClient = paced(pace, (bytes) => writer.write(bytes))
  const connection = instrument.attach((bytes) => toClient.put(bytes))
  // A request is heard when its last bit has arrived, in one piece: whether pauses within a request matter is not
  // for the twin's timers to decide.
  const toInstrument = paced(pace && { ...pace, whole: true }, (bytes) => connection.receive(bytes))
  stream.on('data', (bytes: Buffer) => toInstrument.put(bytes))
  // Without a reader's end the kernel reports EIO; ours stays open, so only a machine that shuts down comes here.
  stream.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      if (!writer.open) return closed
      connection.detach()
      toInstrument.close()
      toClient.close()
      writer.close()
      stream.destroy()
      await closed
      closeSync(slave)
    },
  }
}

interface Direction {
  put(bytes: Uint8Array): void
  close(): void
}

function paced(pace: (LinePaceOptions & { whole?: boolean }) | undefined, out: Direction['put']): Direction {
  return pace === undefined ? { put: out, close: () => undefined } : new LinePace(pace, out)
}

/**
 * Writes to a non-blocking descriptor in order, as fast as the client reads.
 *
 * Node's own terminal stream cannot do this: on a master it falls back to blocking writes, and with a client in
 * this process that is a deadlock.
 */
class MasterWriter {
  readonly #descriptor: number
  readonly #flow: { full(): void; empty(): void }
  readonly #waiting: Uint8Array[] = []
  #retry: NodeJS.Timeout | undefined
  #open = true

  constructor(descriptor: number, flow: { full(): void; empty(): void }) {
    this.#descriptor = descriptor
    this.#flow = flow
  }

  get open(): boolean {
    return this.#open
  }

  write(bytes: Uint8Array): void {
    if (!this.#open) return
    this.#waiting.push(bytes.slice())
    if (this.#retry === undefined) this.#flush()
  }

  close(): void {
    this.#open = false
    clearTimeout(this.#retry)
  }

  #flush(): void {
    const wasFull = this.#retry !== undefined
    this.#retry = undefined
    for (let bytes = this.#waiting[0]; bytes !== undefined; bytes = this.#waiting[0]) {
      const written = writeSome(this.#descriptor, bytes)
      if (written === bytes.length) {
        this.#waiting.shift()
        continue
      }
      this.#waiting[0] = bytes.subarray(written)
      this.#retry = setTimeout(() => this.#flush(), FULL_LINE_RETRY_MS)
      if (!wasFull) this.#flow.full()
      return
    }
    if (wasFull) this.#flow.empty()
  }
}

/** How many bytes the line took; 0 while it is full. */
function writeSome(descriptor: number, bytes: Uint8Array): number {
  try {
    return writeSync(descriptor, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0
    throw error
  }
}

interface TerminalCalls {
  grantpt(master: number): number
  unlockpt(master: number): number
  ptsname_r(master: number, path: Uint8Array, bytes: number): number
  tcgetattr(terminal: number, settings: Uint8Array): number
  cfmakeraw(settings: Uint8Array): void
  tcsetattr(terminal: number, when: number, settings: Uint8Array): number
}

function openPair(): { master: number; slave: number; path: string } {
  if (process.platform !== 'linux')
    throw new BenchError(
      'TRANSPORT_OPEN_FAILED',
      `simulated serial ports are made on Linux only, and this is ${process.platform}; use the twin over byte pipes`,
    )
  const calls = terminalCalls()
  // Opened by Node, not by posix_openpt: so it is not inherited by a child process, which would keep the line up.
  const master = attempt('open /dev/ptmx', () =>
    openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK),
  )
  let slave: number | undefined
  try {
    const name = new Uint8Array(PATH_BYTES)
    require0('grantpt', calls.grantpt(master))
    require0('unlockpt', calls.unlockpt(master))
    require0('ptsname_r', calls.ptsname_r(master, name, name.length))
    const path = Buffer.from(name.subarray(0, name.indexOf(0))).toString('latin1')
    slave = attempt(`open ${path}`, () => openSync(path, constants.O_RDWR | constants.O_NOCTTY))
    const settings = new Uint8Array(TERMIOS_BYTES)
    require0('tcgetattr', calls.tcgetattr(slave, settings))
    calls.cfmakeraw(settings)
    require0('tcsetattr', calls.tcsetattr(slave, TCSANOW, settings))
    return { master, slave, path }
  } catch (error) {
    closeSync(master)
    if (slave !== undefined) closeSync(slave)
    throw error
  }
}

function terminalCalls(): TerminalCalls {
  return attempt('load the C library', () => {
    // The C library that Node itself runs on, whatever its name here.
    const library = koffi.load(null)
    return {
      grantpt: library.func('int grantpt(int)'),
      unlockpt: library.func('int unlockpt(int)'),
      ptsname_r: library.func('int ptsname_r(int, _Out_ uint8_t *, size_t)'),
      tcgetattr: library.func('int tcgetattr(int, _Out_ uint8_t *)'),
      cfmakeraw: library.func('void cfmakeraw(_Inout_ uint8_t *)'),
      tcsetattr: library.func('int tcsetattr(int, int, uint8_t *)'),
    }
  })
}

function attempt<T>(what: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw noTerminal(`cannot ${what}: ${(error as Error).message}`, error)
  }
}

function require0(call: string, result: number): void {
  if (result !== 0) throw noTerminal(`${call} failed`)
}

function noTerminal(reason: string, cause?: unknown): BenchError {
  return new BenchError('TRANSPORT_OPEN_FAILED', `no simulated serial port can be made here: ${reason}`, { cause })
}
