import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { BiasController, Identity } from '../../core/instruments.ts'
import {
  BIAS_DECIMALS,
  CALIBRATION_MS,
  MODE,
  MbxController,
  decimal,
  mbxIdentification,
} from '../instruments/mbx-controller.ts'
import type { BiasPort } from '../optics/world-ports.ts'
import type { SimContext } from '../sim-entry.ts'
import { numberSetting } from './direct-entry.ts'
import type { DirectEntry } from './direct-entry.ts'
import { requireLive, wait } from './turns.ts'

/** How often a driver asks whether it is locked. */
const POLL_MS = 250
const SAFE_BUDGET_MS = 10_000
/** Only held modes hold anything. */
const NOTHING_HELD = { ratio: () => 250, voltageMv: () => 0 }

/** A Thorlabs MBX: a millivolt a step of what it reads. Leaves: the bias off. */
export class DirectBiasController implements BiasController {
  readonly identity: Identity
  readonly #controller: MbxController
  readonly #name: string
  readonly #clock: Clock
  readonly #lockTimeoutMs: number

  constructor(port: BiasPort, context: SimContext) {
    const [maker = '', model = '', serial = '', firmware = ''] = mbxIdentification(context)
    this.identity = { maker, model, serial, firmware }
    this.#controller = new MbxController(port, context.clock, CALIBRATION_MS, NOTHING_HELD)
    this.#name = context.name
    this.#clock = context.clock
    this.#lockTimeoutMs = numberSetting(context, 'lockTimeoutMs')
  }

  async lockNull(signal: AbortSignal): Promise<void> {
    const startNs = this.#clock.monotonicNs()
    this.#look(signal).enter(MODE.null)
    do {
      await wait(this.#name, this.#clock, POLL_MS, signal)
      if (await this.readLocked(signal)) return
    } while (this.#clock.monotonicNs() - startNs < this.#lockTimeoutMs * 1e6)
    throw new BenchError(
      'INSTRUMENT_NOT_SETTLED',
      `${this.#name}: no lock on the null within ${this.#lockTimeoutMs} ms; it needs light through the modulator`,
      { context: { device: this.#name, lockTimeoutMs: this.#lockTimeoutMs } },
    )
  }

  async readLocked(signal: AbortSignal): Promise<boolean> {
    return this.#look(signal).isLocked()
  }

  async readBiasV(signal: AbortSignal): Promise<number> {
    return Number(decimal(this.#look(signal).biasV, BIAS_DECIMALS))
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    const controller = this.#look(signal)
    controller.enter(MODE.off)
    if (controller.mode === MODE.off && controller.biasV === 0) return
    throw new BenchError(
      'SAFE_STATE_UNVERIFIED',
      `${this.#name}: the bias was told to switch off and may still be driven`,
      {
        context: { device: this.#name },
      },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
  }

  /** Every look at the controller is a moment at which what is due has happened. */
  #look(signal: AbortSignal): MbxController {
    requireLive(this.#name, signal)
    this.#controller.work()
    return this.#controller
  }
}

export const directMbx: DirectEntry<'bias-controller'> = {
  kind: 'bias-controller',
  open: (port, context) => Promise.resolve(new DirectBiasController(port, context)),
}
