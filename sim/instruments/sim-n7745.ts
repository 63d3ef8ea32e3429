import type { Clock } from '../../core/clock.ts'
import type { Identity } from '../../core/instruments.ts'
import { CounterRandom } from '../../core/random.ts'
import type { DetectorPort } from '../optics/world-ports.ts'
import type { WireInstrument } from '../ports/wire-instrument.ts'
import { formatNr3 } from '../protocols/scpi-call.ts'
import type { ScpiCall, ScpiNumberRule } from '../protocols/scpi-call.ts'
import type { ScpiRow } from '../protocols/scpi-commands.ts'
import { ScpiFault } from '../protocols/scpi-fault.ts'
import type { ScpiModel } from '../protocols/scpi-interpreter.ts'
import { ScpiStatus } from '../protocols/scpi-status.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'
import { float32Block } from './n7745-converter.ts'
import { LOG_LIMITS, N7745Port } from './n7745-port.ts'
import { ScpiServer } from './scpi-server.ts'

const PORTS = 8
/** Assumption. */
const MOST_LOOPS = 1_000_000
const LENGTHS = { PM: 1e-12, NM: 1e-9, UM: 1e-6, MM: 1e-3, M: 1 }
const TIMES = { NS: 1e-9, US: 1e-6, MS: 1e-3, S: 1 }
const WAVELENGTH: ScpiNumberRule = { min: 1250e-9, max: 1650e-9, default: 1550e-9, units: LENGTHS }
const AVERAGING: ScpiNumberRule = { ...LOG_LIMITS.averagingS, units: TIMES }

/**
 * Twin of a Keysight N7745C multiport power meter: eight ports, each with range, averaging and a logging function that
 * starts at a trigger.
 *
 * The wavelength setting is kept and answered; the world's photodiodes report power at the wavelength they are lit with.
 * Zeroing, references and the stability and min/max functions are not in this twin.
 * Errors: -213 software trigger ignored, -231 reading out of range, -420 results asked for before they are complete.
 * Source: Keysight N774xC Programming Guide ch. 4; LabExT PowerMeterN7744A.
 */
export class SimN7745 implements ScpiModel {
  readonly identity: string
  readonly status = new ScpiStatus({ signed: true })
  readonly rows: readonly ScpiRow[]
  readonly #ports: readonly N7745Port[]
  readonly #clock: Clock
  #triggerRouting = 1

  constructor(port: DetectorPort, { name, seed, clock }: SimContext) {
    this.#clock = clock
    this.#ports = Array.from({ length: PORTS }, (_, channel) => new N7745Port(channel, port, clock))
    const { maker, model, serial, firmware } = n7745Identity(name, seed)
    this.identity = [maker, model, serial, firmware].join()
    this.rows = [...this.#sensorRows(), ...this.#readingRows(), ...this.#loggingRows(), ...this.#triggerRows()]
    port.onTrigger(() => this.#pulse())
  }

  reset(): void {
    this.#triggerRouting = 1
    for (const port of this.#ports) port.reset()
  }

  #sensorRows(): readonly ScpiRow[] {
    return [
      this.#setting(
        ':SENSe{8}:POWer:WAVelength',
        (port, call) => (port.wavelengthM = call.number(WAVELENGTH)),
        (port) => formatNr3(port.wavelengthM),
      ),
      {
        header: ':SENSe:POWer:WAVelength:ALL',
        set: (call) => {
          const wavelengthM = call.number(WAVELENGTH)
          for (const port of this.#ports) {
            port.interrupt()
            port.wavelengthM = wavelengthM
          }
        },
      },
      this.#setting(
        ':SENSe{8}:POWer:UNIT',
        (port, call) => {
          // A number, or its name.
          const unit = /^[DW]/i.test(call.peek()) ? call.word('DBM', 'Watt') : call.integer(0, 1)
          port.inWatt = unit === 'W' || unit === 1
        },
        (port) => (port.inWatt ? '+1' : '+0'),
      ),
      this.#setting(
        ':SENSe{8}:POWer:RANGe[:UPPer]',
        (port, call) => {
          const rangeDbm = 10 * Math.round(call.number({ min: -35, max: 14.9, units: { DBM: 1 } }) / 10)
          port.rangeDbm = rangeDbm
          port.autoRange = false
        },
        (port) => formatNr3(port.rangeDbm),
      ),
      this.#setting(
        ':SENSe{8}:POWer:RANGe[:UPPer]:AUTO',
        (port, call) => (port.autoRange = call.boolean()),
        (port) => flag(port.autoRange),
      ),
      this.#setting(
        ':SENSe{8}:POWer:GAIN:AUTO',
        (port, call) => (port.autoGain = call.boolean()),
        (port) => flag(port.autoGain),
      ),
      this.#setting(
        ':SENSe{8}:POWer:ATIMe',
        (port, call) => (port.averagingS = call.number(AVERAGING)),
        (port) => formatNr3(port.averagingS),
      ),
    ]
  }

  #readingRows(): readonly ScpiRow[] {
    return [
      {
        header: ':INITiate{8}[:IMMediate]',
        takes: 0,
        set: (call) => {
          const port = this.#port(call)
          if (port.continuous || port.busy) throw new ScpiFault(-213)
          port.measure()
        },
      },
      {
        header: ':INITiate{8}:CONTinuous',
        set: (call) => {
          const port = this.#port(call)
          port.continuous = call.boolean()
          port.interrupt()
        },
        query: (call) => flag(this.#port(call).continuous),
      },
      { header: ':FETCh{8}[:SCALar]:POWer[:DC]', query: (call) => this.#say(this.#port(call)) },
      {
        header: ':READ{8}[:SCALar]:POWer[:DC]',
        query: (call) => {
          const port = this.#port(call)
          return this.#afterMeasuring([port], call, () => this.#say(port))
        },
      },
      { header: ':FETCh:POWer:ALL', query: () => this.#sayAll() },
      {
        header: ':READ:POWer:ALL',
        query: (call) => this.#afterMeasuring(this.#ports, call, () => this.#sayAll()),
      },
    ]
  }

  #loggingRows(): readonly ScpiRow[] {
    return [
      this.#setting(
        ':SENSe{8}:FUNCtion:PARameter:LOGGing',
        (port, call) => {
          const points = call.integer(LOG_LIMITS.points.min, LOG_LIMITS.points.max)
          port.log = { points, averagingS: call.number(AVERAGING) }
        },
        ({ log }) => `+${log.points},${formatNr3(log.averagingS)}`,
        2,
      ),
      {
        header: ':SENSe{8}:FUNCtion:STATe',
        takes: 2,
        set: (call) => {
          const port = this.#port(call)
          call.word('LOGGing')
          if (call.word('STARt', 'STOP') === 'STOP') return port.stop()
          const other = this.#ports.find(({ busy, log }) => busy && !sameLog(log, port.log))
          if (other !== undefined) throw new ScpiFault(-221, 'ports log together, with one set of parameters')
          port.start()
        },
        query: (call) => this.#port(call).state(),
      },
      this.#setting(
        ':SENSe{8}:FUNCtion:LOOP',
        (port, call) => (port.loops = call.integer(0, MOST_LOOPS)),
        ({ loops }) => `+${loops}`,
      ),
      { header: ':SENSe{8}:FUNCtion:RESult', query: (call) => this.#port(call).results() },
      { header: ':SENSe{8}:FUNCtion:RESult:BUFA', query: (call) => this.#port(call).buffer(0) },
      { header: ':SENSe{8}:FUNCtion:RESult:BUFB', query: (call) => this.#port(call).buffer(1) },
      { header: ':SENSe{8}:FUNCtion:RESult:INDex', query: (call) => `+${this.#port(call).records}` },
    ]
  }

  #triggerRows(): readonly ScpiRow[] {
    return [
      this.#setting(
        ':TRIGger{8}:INPut',
        (port, call) => (port.triggerInput = call.word('IGNore', 'SMEasure', 'CMEasure')),
        (port) => port.triggerInput,
      ),
      this.#setting(
        ':TRIGger{8}:OUTPut',
        (port, call) => (port.triggerOutput = call.word('DISabled', 'AVGover', 'MEASure')),
        (port) => port.triggerOutput,
      ),
      {
        header: ':TRIGger:CONFiguration',
        set: (call) => {
          this.#triggerRouting = call.integer(0, 3)
          for (const port of this.#ports) port.interrupt()
        },
        query: () => `+${this.#triggerRouting}`,
      },
      {
        header: ':TRIGger',
        set: (call) => {
          // 1 is a pulse as at the input connector, 2 one at the output, which leads nowhere here.
          if (call.integer(1, 2) === 1) this.#pulse()
        },
      },
    ]
  }

  /** DISabled routing keeps pulses from the ports. */
  #pulse(): void {
    if (this.#triggerRouting === 0) return
    for (const port of this.#ports) port.pulse()
  }

  /** A setting of one port: changing it stops a log under way there. */
  #setting(
    header: string,
    write: (port: N7745Port, call: ScpiCall) => void,
    read: (port: N7745Port) => string,
    takes = 1,
  ): ScpiRow {
    return {
      header,
      takes,
      set: (call) => {
        const port = this.#port(call)
        write(port, call)
        port.interrupt()
      },
      query: (call) => read(this.#port(call)),
    }
  }

  /** Free-running ports have a reading at any time; others take one now, which lasts as long as they average. */
  #afterMeasuring<T>(ports: readonly N7745Port[], call: ScpiCall, answer: () => T): T | Promise<T> {
    const waiting = ports.filter(({ continuous }) => !continuous)
    if (waiting.length === 0) return answer()
    const longestMs = 1e3 * Math.max(...waiting.map(({ averagingS }) => averagingS))
    return this.#clock.sleep(longestMs, call.exchange.signal).then(() => {
      for (const port of waiting) port.measure()
      return answer()
    })
  }

  #say(port: N7745Port): string {
    const reading = port.reading()
    if (!reading.valid) this.status.report(-231)
    return formatNr3(reading.value)
  }

  /** Always watts. */
  #sayAll(): Uint8Array {
    return float32Block(this.#ports.map((port) => port.readingW()))
  }

  #port(call: ScpiCall): N7745Port {
    return this.#ports[call.suffix() - 1]!
  }
}

const flag = (on: boolean): string => (on ? '1' : '0')
const sameLog = (left: N7745Port['log'], right: N7745Port['log']): boolean =>
  left.points === right.points && left.averagingS === right.averagingS

export function n7745Identity(name: string, seed: number): Identity {
  const number = Math.floor(1e6 * new CounterRandom(seed, `n7745/${name}/serial`).uniform(0))
  const serial = `MY59${String(number).padStart(6, '0')}`
  return { maker: 'Keysight Technologies', model: 'N7745C', serial, firmware: 'V2.022' }
}

export const simN7745: SimEntry<'power-meter'> = {
  kind: 'power-meter',
  create: (port, context): WireInstrument =>
    new ScpiServer(new SimN7745(port, context), { whileAnswering: 'interrupt' }),
}
