import type { Clock } from '../../core/clock.ts'
import { CounterRandom } from '../../core/random.ts'
import type { SourceMeterPort } from '../optics/world-ports.ts'
import type { WireInstrument } from '../ports/wire-instrument.ts'
import type { ScpiCall } from '../protocols/scpi-call.ts'
import type { ScpiAnswer, ScpiRow } from '../protocols/scpi-commands.ts'
import { ScpiFault } from '../protocols/scpi-fault.ts'
import type { ScpiModel } from '../protocols/scpi-interpreter.ts'
import { statusRows } from '../protocols/scpi-status-rows.ts'
import { ScpiStatus } from '../protocols/scpi-status.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'
import { B2900Channel } from './b2900-channel.ts'
import { ELEMENTS, NO_SAMPLE, encodeData, interleave } from './b2900-data.ts'
import type { DataFormat, Element } from './b2900-data.ts'
import { channelRows } from './b2900-channel-rows.ts'
import { B2900Trigger } from './b2900-trigger.ts'
import type { Action } from './b2900-trigger.ts'
import { B2900Idle } from './b2900-idle.ts'
import { triggerRows } from './b2900-trigger-rows.ts'
import { ScpiServer } from './scpi-server.ts'

const CHANNELS = 2
const LONGEST_RUN = 100_000
const BOTH: readonly Action[] = ['TRAN', 'ACQ']
const QUERIES: readonly (readonly [suffix: string, element: Element])[] = [
  [':VOLTage', 'VOLT'],
  [':CURRent', 'CURR'],
  [':RESistance', 'RES'],
  [':TIME', 'TIME'],
  [':STATus', 'STAT'],
  [':SOURce', 'SOUR'],
]

/** Bits of one channel: measurement status by the manual, operation status by assumption. */
const STATUS_BITS = [
  { available: 1 << 1, overflow: 1 << 2, sourceIdle: 1 << 1, meterIdle: 1 << 4, waiting: 1 << 5 },
  { available: 1 << 7, overflow: 1 << 8, sourceIdle: 1 << 7, meterIdle: 1 << 10, waiting: 1 << 11 },
] as const

const SPOT_FAILED = 'the trigger system is initiated'

/**
 * Twin of a Keysight B2912A source-measure unit: two channels into the loads of the world, sweeps by list and step, a
 * trigger system, and data as text or blocks.
 *
 * Pulses, limit tests, the trace buffer, digital lines and the shared current of both channels are not in this twin.
 * Errors: -213 for initiating what is initiated, -221 for sweeps that cannot be run, -211 for a trigger that nothing
 * waits for, -222 beyond what source and meter can.
 * Source: Keysight "B2900 Series SCPI Command Reference" Ed. 8. FETCh waits for the end of a run, as its clients rely on.
 */
export class SimB2900 implements ScpiModel {
  readonly identity: string
  readonly status = new ScpiStatus({ signed: true })
  readonly rows: readonly ScpiRow[]
  readonly #clock: Clock
  readonly #channels: readonly B2900Channel[]
  readonly #triggers: readonly B2900Trigger[]
  readonly #idle: B2900Idle
  #format: DataFormat = { data: 'ASC', swapped: false }
  #elements: readonly Element[] = ELEMENTS

  constructor(port: SourceMeterPort, { name, seed, clock }: SimContext) {
    this.#clock = clock
    this.#idle = new B2900Idle(clock)
    this.#channels = Array.from({ length: CHANNELS }, (_, index) => new B2900Channel(index, port, clock))
    this.#triggers = this.#channels.map(
      (channel, index) => new B2900Trigger(channel, clock, (overRange) => this.#sampled(index, overRange)),
    )
    const serial = Math.floor(1e6 * new CounterRandom(seed, `b2900/${name}/serial`).uniform(0))
    this.identity = `Keysight Technologies,B2912A,MY51${String(serial).padStart(6, '0')},3.4.2011.5100`
    this.rows = [
      ...channelRows(CHANNELS, (call) => this.#channels[call.suffix() - 1]!),
      ...triggerRows(CHANNELS, (call) => this.#triggers[call.suffix() - 1]!.layers),
      ...this.#runRows(),
      ...this.#dataRows(),
      ...this.#formatRows(),
      ...statusRows(this.status, ['MEASurement', 'OPERation', 'QUEStionable'], () => this.#look()),
      { header: ':SYSTem:ERRor:COUNt', query: () => `+${this.status.errorCount}` },
    ]
    this.#look()
  }

  reset(): void {
    for (const trigger of this.#triggers) trigger.reset()
    for (const channel of this.#channels) channel.reset()
    this.#format = { data: 'ASC', swapped: false }
    this.#elements = ELEMENTS
    this.#look()
  }

  /** Not while the trigger system of any channel is initiated. */
  idle(signal: AbortSignal): Promise<void> | undefined {
    return this.#idleOf(this.#triggers, signal)
  }

  #runRows(): readonly ScpiRow[] {
    const initiate = (header: string, actions: readonly Action[]): ScpiRow => ({
      header,
      set: (call) => this.#initiate(call.channels(CHANNELS), actions),
    })
    return [
      initiate(':INITiate[:IMMediate][:ALL]', BOTH),
      initiate(':INITiate[:IMMediate]:ACQuire', ['ACQ']),
      initiate(':INITiate[:IMMediate]:TRANsient', ['TRAN']),
      {
        header: ':ABORt[:ALL]',
        set: (call) => {
          const channels = call.left === 0 ? this.#channels.map((_, index) => index + 1) : call.channels(CHANNELS)
          for (const channel of channels) this.#triggers[channel - 1]!.abort()
          this.#look()
        },
      },
      {
        header: `:IDLE{${CHANNELS}}[:ALL]`,
        query: (call) => this.#whenIdle([call.suffix()], call, () => '1'),
      },
      {
        header: '*TRG',
        takes: 0,
        set: () => {
          const waiting = this.#triggers.filter(({ waitsForBus }) => waitsForBus)
          if (waiting.length === 0) throw new ScpiFault(-211)
          for (const trigger of waiting) trigger.busTrigger()
          this.#look()
        },
      },
    ]
  }

  #dataRows(): readonly ScpiRow[] {
    const latest = (channels: readonly number[], elements: readonly Element[]): ScpiAnswer =>
      this.#encode(
        channels.map((channel) => this.#channels[channel - 1]!.samples.slice(-1)),
        elements,
      )
    const all = (channels: readonly number[], elements: readonly Element[]): ScpiAnswer =>
      this.#encode(
        channels.map((channel) => this.#channels[channel - 1]!.samples),
        elements,
      )
    const family = (suffix: string, element?: Element): readonly ScpiRow[] => {
      const elements = (): readonly Element[] => (element === undefined ? this.#elements : [element])
      const query = (
        header: string,
        answer: typeof all,
        begin: (channels: readonly number[]) => void = () => undefined,
      ): ScpiRow => ({
        header: `${header}${suffix}`,
        asks: 1,
        query: (call) => {
          const channels = call.channels(CHANNELS)
          begin(channels)
          return this.#whenIdle(channels, call, () => answer(channels, elements()))
        },
      })
      const initiate = (channels: readonly number[]): void => this.#initiate(channels, BOTH)
      return [
        query(':FETCh[:SCALar]', latest),
        query(':FETCh:ARRay', all),
        query(':READ[:SCALar]', latest, initiate),
        query(':READ:ARRay', all, initiate),
        { header: `:MEASure${suffix}`, asks: 1, query: (call) => this.#spot(call, elements()) },
      ]
    }
    return [
      ...family(''),
      ...QUERIES.flatMap(([suffix, element]) => family(suffix, element)),
      {
        header: `:SENSe{${CHANNELS}}:DATA`,
        asks: 2,
        query: (call) => {
          const { samples } = this.#channels[call.suffix() - 1]!
          const offset = call.left > 0 ? call.integer(0, LONGEST_RUN) : 0
          const size = call.left > 0 ? call.integer(1, LONGEST_RUN) : LONGEST_RUN
          this.#look()
          return this.#encode([samples.slice(offset, offset + size)], this.#elements)
        },
      },
      {
        header: `:SENSe{${CHANNELS}}:DATA:LATest`,
        query: (call) => {
          this.#look()
          return latest([call.suffix()], this.#elements)
        },
      },
      {
        header: `:SENSe{${CHANNELS}}:DATA:CLEar`,
        takes: 0,
        set: (call) => void (this.#channels[call.suffix() - 1]!.samples.length = 0),
      },
    ]
  }

  #formatRows(): readonly ScpiRow[] {
    return [
      {
        header: ':FORMat[:DATA]',
        takes: 2,
        set: (call) => {
          const kind = call.word('ASCii', 'REAL')
          const bits = call.left > 0 ? call.integer(32, 64) : 32
          if (bits !== 32 && bits !== 64) throw new ScpiFault(-224)
          this.#format = { ...this.#format, data: kind === 'ASC' ? 'ASC' : bits === 32 ? 'REAL,32' : 'REAL,64' }
        },
        query: () => this.#format.data,
      },
      {
        header: ':FORMat:BORDer',
        set: (call) => void (this.#format = { ...this.#format, swapped: call.word('NORMal', 'SWAPped') === 'SWAP' }),
        query: () => (this.#format.swapped ? 'SWAP' : 'NORM'),
      },
      {
        header: ':FORMat:ELEMents:SENSe',
        takes: ELEMENTS.length,
        set: (call) => {
          const chosen = new Set<string>()
          do chosen.add(call.word('VOLTage', 'CURRent', 'RESistance', 'TIME', 'STATus', 'SOURce'))
          while (call.left > 0)
          this.#elements = ELEMENTS.filter((element) => chosen.has(element))
        },
        query: () => this.#elements.join(),
      },
    ]
  }

  #encode(channels: Parameters<typeof interleave>[0], elements: readonly Element[]): ScpiAnswer {
    const none = channels.every((samples) => samples.length === 0)
    return encodeData(interleave(none ? channels.map(() => [NO_SAMPLE]) : channels, elements), this.#format)
  }

  #initiate(channels: readonly number[], actions: readonly Action[]): void {
    for (const channel of channels) {
      const [trigger, source] = [this.#triggers[channel - 1]!, this.#channels[channel - 1]!]
      if (trigger.running) throw new ScpiFault(-213)
      const { ACQ, TRAN } = trigger.layers
      if (Math.max(ACQ.count * ACQ.arms, TRAN.count * TRAN.arms) > LONGEST_RUN) {
        throw new ScpiFault(-221, `more than ${LONGEST_RUN} triggers`)
      }
      if (!source.levels().every(Number.isFinite)) throw new ScpiFault(-221, 'a logarithmic sweep through 0')
    }
    for (const channel of channels) {
      this.#switchOn(channel)
      this.#triggers[channel - 1]!.initiate(actions)
    }
    this.#look()
  }

  #spot(call: ScpiCall, elements: readonly Element[]): Promise<ScpiAnswer> {
    const channels = call.channels(CHANNELS)
    const triggers = channels.map((channel) => this.#triggers[channel - 1]!)
    if (triggers.some(({ running }) => running)) throw new ScpiFault(-213, SPOT_FAILED)
    for (const channel of channels) this.#switchOn(channel)
    const longestMs = 1e3 * Math.max(...triggers.map((trigger) => trigger.stepS(['ACQ'])))
    return this.#clock.sleep(longestMs, call.exchange.signal).then(() =>
      this.#encode(
        channels.map((channel) => {
          const measured = this.#channels[channel - 1]!
          measured.samples.length = 0
          const sample = measured.measure(measured.source.level)
          this.#sampled(channel - 1, Math.abs(sample.VOLT) === Infinity || Math.abs(sample.CURR) === Infinity)
          return [sample]
        }),
        elements,
      ),
    )
  }

  #switchOn(channel: number): void {
    const source = this.#channels[channel - 1]!
    if (!source.settings.autoOn) return
    source.settings.output = true
    source.apply()
  }

  #whenIdle(channels: readonly number[], call: ScpiCall, answer: () => ScpiAnswer): ScpiAnswer | Promise<ScpiAnswer> {
    const triggers = channels.map((channel) => this.#triggers[channel - 1]!)
    const wait = this.#idleOf(triggers, call.exchange.signal)
    return wait === undefined ? answer() : wait.then(answer)
  }

  #idleOf(triggers: readonly B2900Trigger[], signal: AbortSignal): Promise<void> | undefined {
    this.#look()
    return this.#idle.of(triggers, signal)
  }

  /** Does what is due, and brings the operation status to what is so now. */
  #look(): void {
    let condition = 0
    for (const [index, trigger] of this.#triggers.entries()) {
      const bits = STATUS_BITS[index]!
      if (!trigger.runs('TRAN')) condition |= bits.sourceIdle
      if (!trigger.runs('ACQ')) condition |= bits.meterIdle
      if (trigger.waitsForBus) condition |= bits.waiting
    }
    this.status.operation.condition = condition
    this.#idle.changed()
  }

  #sampled(index: number, overRange: boolean): void {
    const { available, overflow } = STATUS_BITS[index]!
    this.status.measurement.happen(overRange ? overflow : available)
  }
}

export const simB2900: SimEntry<'source-meter'> = {
  kind: 'source-meter',
  create: (port, context): WireInstrument => new ScpiServer(new SimB2900(port, context), { whileAnswering: 'queue' }),
}
