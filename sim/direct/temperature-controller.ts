import { BenchError } from '../../core/errors.ts'
import type { Identity, TemperatureController } from '../../core/instruments.ts'
import { intersect, requireInRange } from '../../core/range.ts'
import type { Range } from '../../core/range.ts'
import { INITIAL_SET_POINT_C, displayCode } from '../instruments/sim-e5cc.ts'
import type { OvenPort } from '../optics/world-ports.ts'
import type { SimContext } from '../sim-entry.ts'
import { numberSetting } from './direct-entry.ts'
import type { DirectEntry } from './direct-entry.ts'
import { Turns } from './turns.ts'

const IDENTITY: Identity = { maker: 'Omron', model: 'E5_C', serial: '', firmware: '' }
/** Four digits. */
const DISPLAY_CODES: Range = { min: -1999, max: 9999 }
/** 3.5 characters at 9600 Bd, 8E1. */
const GAP_MS = 5
/** Exchanges in which a driver finds out who is there and takes control. */
const OPENING_EXCHANGES = 6
const SAFE_BUDGET_MS = 10_000

/** An Omron E5CC: temperatures as its display shows them. Leaves: stopped. */
export class DirectTemperatureController implements TemperatureController {
  readonly identity = IDENTITY
  readonly temperatureRangeC: Range
  readonly #port: OvenPort
  readonly #name: string
  readonly #decimals: number
  readonly #codesPerC: number
  readonly #turns: Turns
  #setPointCode: number
  #running = false

  private constructor(port: OvenPort, context: SimContext) {
    this.#port = port
    this.#name = context.name
    this.#decimals = numberSetting(context, 'decimals')
    this.#codesPerC = 10 ** this.#decimals
    this.#turns = new Turns(context.name, context.clock, GAP_MS)
    this.#setPointCode = Math.round(INITIAL_SET_POINT_C * this.#codesPerC)
    this.temperatureRangeC = intersect(
      { min: numberSetting(context, 'minC'), max: numberSetting(context, 'maxC') },
      { min: DISPLAY_CODES.min / this.#codesPerC, max: DISPLAY_CODES.max / this.#codesPerC },
    )
  }

  static async open(port: OvenPort, context: SimContext, signal: AbortSignal): Promise<DirectTemperatureController> {
    const controller = new DirectTemperatureController(port, context)
    for (let asked = 0; asked < OPENING_EXCHANGES; asked++) await controller.#turns.take(signal, () => undefined)
    return controller
  }

  async setTemperatureC(temperatureC: number, signal: AbortSignal): Promise<void> {
    requireInRange('temperatureC', temperatureC, this.temperatureRangeC)
    await this.#turns.take(signal, () => {
      this.#setPointCode = Math.round(temperatureC * this.#codesPerC)
      this.#drive()
    })
  }

  readTemperatureC(signal: AbortSignal): Promise<number> {
    return this.#turns.take(signal, () => displayCode(this.#port.temperatureC(), this.#decimals) / this.#codesPerC)
  }

  setRunning(on: boolean, signal: AbortSignal): Promise<void> {
    return this.#turns.take(signal, () => {
      this.#running = on
      this.#drive()
    })
  }

  /** Takes control, stops, and looks. */
  async makeSafe(signal: AbortSignal): Promise<void> {
    await this.#turns.take(signal, () => undefined)
    await this.setRunning(false, signal)
    if (!(await this.#turns.take(signal, () => this.#running))) return
    throw new BenchError('SAFE_STATE_UNVERIFIED', `${this.#name} was told to stop, and says that it runs`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
  }

  #drive(): void {
    this.#port.setSetPointC(this.#setPointCode / this.#codesPerC, this.#running)
  }
}

export const directE5cc: DirectEntry<'temperature-controller'> = {
  kind: 'temperature-controller',
  open: (port, context, signal) => DirectTemperatureController.open(port, context, signal),
}
