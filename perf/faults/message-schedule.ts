import { VirtualClock } from '../../core/clock.ts'
import { isBenchError } from '../../core/errors.ts'
import { RandomStream } from '../../core/random.ts'
import type { ByteTransport } from '../../core/transport.ts'
import { HislipTransport } from '../../drivers/transports/hislip.ts'
import { Vxi11Transport } from '../../drivers/transports/vxi11.ts'
import { FaultScript } from '../../sim/faults/fault-script.ts'
import type { Fault } from '../../sim/faults/fault-script.ts'
import { FaultyMessages } from '../../sim/faults/faulty-messages.ts'
import { serveHislip } from '../../sim/ports/hislip-server.ts'
import { isMessageInstrument } from '../../sim/ports/message-instrument.ts'
import type { MessageInstrument } from '../../sim/ports/message-instrument.ts'
import { serveVxi11 } from '../../sim/ports/vxi11-server.ts'
import type { Verdict } from './schedule.ts'
import type { Conversation, Setup, Subject } from './subject.ts'

/** Faults of a message instrument that a driver can always tell. */
export const MESSAGE_FAULTS = [
  'silence',
  'late-reply',
  'garbage',
  'restart',
  'full-error-queue',
  'busy',
] as const satisfies readonly Fault[]

interface MessageServer {
  serve(devices: ReadonlyMap<string, MessageInstrument>, port: number): Promise<{ port: number } & AsyncDisposable>
  open(resource: string, port: number, signal: AbortSignal): Promise<ByteTransport>
}

const HOST = '127.0.0.1'
const DEVICE = 'inst0'
export const MESSAGE_SERVERS: Readonly<Record<'VXI-11' | 'HiSLIP', MessageServer>> = {
  'VXI-11': {
    serve: (devices, port) => serveVxi11(devices, { port }),
    open: (resource, port, signal) => Vxi11Transport.open(resource, { host: HOST, port, device: DEVICE }, signal),
  },
  HiSLIP: {
    serve: (devices, port) => serveHislip(devices, { port }),
    open: (resource, port, signal) => HislipTransport.open(resource, { host: HOST, port, device: DEVICE }, signal),
  },
}

/** Real time, because the sockets are real: a reply takes a millisecond or two. */
const TIMEOUT_MS = 80
/** Late replies come before and behind the deadline. */
const MOMENT_MS = 25
/** Longer than everything that one call may wait for. */
const HANG_MS = 15_000
const ROUNDS = 3
const RECOVERY_ROUNDS = 4
const OPENINGS = 3
const OPENING_SHARE = 3

/**
 * One bad day of a message instrument behind a real server on this machine, as `runSchedule` has it on a pipe.
 *
 * The same seed gives the same faults; what the deadlines make of them depends on the machine.
 */
export async function runMessageSchedule(
  subject: Subject,
  kind: keyof typeof MESSAGE_SERVERS,
  fault: (typeof MESSAGE_FAULTS)[number],
  seed: number,
): Promise<Verdict> {
  const schedule = new MessageSchedule(subject, MESSAGE_SERVERS[kind], fault, seed)
  try {
    return await schedule.run()
  } finally {
    await schedule[Symbol.asyncDispose]()
  }
}

class MessageSchedule {
  readonly #server: MessageServer
  readonly #seed: number
  readonly #script: FaultScript
  readonly #setup: Setup
  readonly #far: FaultyMessages
  readonly #caller = new AbortController()
  readonly #verdict = {
    right: 0,
    refused: 0,
    undetectable: [] as string[],
    wrong: [] as string[],
    crashes: [] as string[],
    hangs: [] as string[],
    stuck: [] as string[],
  }
  #served: Promise<{ port: number } & AsyncDisposable>

  constructor(subject: Subject, server: MessageServer, fault: Fault, seed: number) {
    this.#server = server
    this.#seed = seed
    this.#script = new FaultScript(seed, fault)
    this.#setup = subject.begin(new VirtualClock(), new RandomStream(seed, 'world'))
    this.#far = new FaultyMessages(() => messageInstrument(this.#setup), {
      script: this.#script,
      later: (moments, action) => void setTimeout(action, moments * MOMENT_MS),
      nonsense: subject.nonsense,
      hangUp: () => {
        this.#served = this.#serveAgain(this.#served)
      },
    })
    this.#served = this.#serve(0)
  }

  async run(): Promise<Verdict> {
    if (this.#seed % OPENING_SHARE === 0) this.#script.arm()
    let conversation = await this.#open()
    this.#script.arm()
    for (let round = 0; conversation !== undefined && round < ROUNDS; round++) await this.#round(conversation)
    this.#far.lift()
    for (let tries = 0; conversation === undefined && tries < OPENINGS; tries++) conversation = await this.#open()
    if (conversation === undefined) this.#verdict.stuck.push('cannot be opened once the fault is lifted')
    else await this.#recover(conversation)
    return { ...this.#verdict, struck: this.#script.struck }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#served)[Symbol.asyncDispose]()
  }

  #serve(port: number): Promise<{ port: number } & AsyncDisposable> {
    return this.#server.serve(new Map([[DEVICE, this.#far]]), port)
  }

  /** All connections end, and the instrument comes up where it was. */
  async #serveAgain(before: Promise<{ port: number } & AsyncDisposable>): Promise<{ port: number } & AsyncDisposable> {
    const served = await before
    await served[Symbol.asyncDispose]()
    return this.#serve(served.port)
  }

  async #open(): Promise<Conversation | undefined> {
    let opened: Conversation | undefined
    await this.#call('open', async (signal) => {
      const { port } = await this.#served
      const transport = await this.#server.open(`TCPIP::${HOST}::${DEVICE}::INSTR`, port, signal)
      opened = await this.#setup.open({ name: 'instrument', transport }, signal, TIMEOUT_MS)
    })
    if (opened?.prepare !== undefined) await this.#call('prepare', opened.prepare)
    return opened
  }

  /** True when every call gave the right value. */
  async #round({ operations, prepare }: Conversation): Promise<boolean> {
    let allRight = true
    for (const operation of operations) {
      if (this.#verdict.hangs.length > 0) return false
      const outcome = await this.#call(operation.name, (signal) => operation.run(signal))
      allRight &&= outcome === 'right'
      if (outcome === 'unconfigured' && prepare !== undefined) await this.#call('prepare', prepare)
    }
    return allRight
  }

  async #recover(conversation: Conversation): Promise<void> {
    const { instrument } = conversation
    for (let round = 0; round < RECOVERY_ROUNDS; round++) {
      if (!(await this.#round(conversation))) continue
      await this.#call('close', async () => {
        await instrument[Symbol.asyncDispose]()
      })
      return
    }
    this.#verdict.stuck.push(`not all right within ${RECOVERY_ROUNDS} rounds after the fault was lifted`)
    await this.#call('close', async () => {
      await instrument[Symbol.asyncDispose]()
    })
  }

  async #call(
    name: string,
    work: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<'right' | 'refused' | 'unconfigured' | 'failed'> {
    const verdict = this.#verdict
    const timer = setTimeout(() => {
      verdict.hangs.push(`${name} never ends`)
      this.#caller.abort()
    }, HANG_MS)
    try {
      const complaint = await work(this.#caller.signal)
      if (typeof complaint === 'string') {
        verdict.wrong.push(`${name}: ${complaint}`)
        return 'failed'
      }
      verdict.right++
      return 'right'
    } catch (error) {
      if (!isBenchError(error)) {
        verdict.crashes.push(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
        return 'failed'
      }
      verdict.refused++
      return isBenchError(error, 'INSTRUMENT_STATE_LOST', 'CALL_INVALID') ? 'unconfigured' : 'refused'
    } finally {
      clearTimeout(timer)
    }
  }
}

function messageInstrument(setup: Setup): MessageInstrument {
  const instrument = setup.create()
  if (!isMessageInstrument(instrument)) throw new Error('this instrument holds no conversations')
  return instrument
}
