import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { Identity, Laser } from '../../core/instruments.ts'
import { powerDbm } from '../../core/quantities.ts'
import type { PowerDbm } from '../../core/quantities.ts'
import { intersect, requireInRange } from '../../core/range.ts'
import type { Range } from '../../core/range.ts'
import {
  DARK_POWER,
  ENABLE_MS,
  FREQUENCY_MAX_MHZ,
  FREQUENCY_MIN_MHZ,
  ITLA_IDENTITY,
  POWER_RANGE_DBM,
  TRIM_MS,
  TUNE_MS,
  fabricateItla,
  lightMw,
} from '../instruments/itla-module.ts'
import type { LaserPort } from '../optics/world-ports.ts'
import type { SimContext } from '../sim-entry.ts'
import { numberSetting, rangeSetting } from './direct-entry.ts'
import type { DirectEntry } from './direct-entry.ts'
import { requireLive, wait } from './turns.ts'

/** How often a driver asks whether an operation is still pending. */
const POLL_MS = 100
/** At power-on: 191.5 THz and 10 dBm. */
const FIRST_MHZ = 191_500_000
const FIRST_POWER = 1000
const SAFE_BUDGET_MS = 15_000
const EVERYTHING: Range = { min: -Infinity, max: Infinity }

/**
 * An ITLA module of agreement 01.3: 1 MHz a step of frequency, a hundredth of a dB a step of power.
 *
 * Leaves: the laser dark.
 */
export class DirectLaser implements Laser {
  readonly identity: Identity
  readonly frequencyRangeThz: Range
  readonly powerRangeDbm: Range
  readonly #port: LaserPort
  readonly #name: string
  readonly #clock: Clock
  readonly #settleTimeoutMs: number
  readonly #powerError: number
  #setPower = FIRST_POWER
  #frequencyMhz = FIRST_MHZ
  #enabled = false
  #lit = false
  #operation: { readonly endNs: number; readonly finish: () => void } | undefined

  constructor(port: LaserPort, context: SimContext) {
    const { powerError, serial } = fabricateItla(context)
    this.identity = { ...ITLA_IDENTITY, serial }
    this.#port = port
    this.#name = context.name
    this.#clock = context.clock
    this.#settleTimeoutMs = numberSetting(context, 'settleTimeoutMs')
    this.#powerError = powerError
    const frequencies = { min: FREQUENCY_MIN_MHZ / 1e6, max: FREQUENCY_MAX_MHZ / 1e6 }
    this.frequencyRangeThz = tightened(context, 'frequencyRangeThz', frequencies)
    this.powerRangeDbm = tightened(context, 'powerRangeDbm', POWER_RANGE_DBM)
    this.#shine()
  }

  async setFrequencyThz(frequencyThz: number, signal: AbortSignal): Promise<void> {
    requireInRange('frequencyThz', frequencyThz, this.frequencyRangeThz)
    this.#look(signal)
    if (this.#enabled) await this.setEmission(false, signal)
    await this.#idleFor('set its frequency', signal)
    await this.#operate(TUNE_MS, signal, () => {
      this.#frequencyMhz = Math.round(frequencyThz * 1e6)
      this.#shine()
    })
  }

  async readFrequencyThz(signal: AbortSignal): Promise<number> {
    this.#look(signal)
    return this.#frequencyMhz / 1e6
  }

  async setPowerDbm(power: PowerDbm, signal: AbortSignal): Promise<void> {
    requireInRange('powerDbm', power, this.powerRangeDbm)
    await this.#idleFor('set its power', signal)
    this.#setPower = Math.round(power * 100)
    await this.#operate(this.#lit ? TRIM_MS : 0, signal, () => this.#shine())
  }

  async readPowerDbm(signal: AbortSignal): Promise<PowerDbm> {
    this.#look(signal)
    return powerDbm((this.#lit ? this.#setPower + this.#powerError : DARK_POWER) / 100)
  }

  /** Off acts at once, whatever is pending; on waits for it. */
  async setEmission(on: boolean, signal: AbortSignal): Promise<void> {
    if (!on) {
      this.#look(signal)
      if (!this.#enabled) return
      this.#enabled = this.#lit = false
      this.#operation = undefined
      return this.#shine()
    }
    await this.#idleFor('switch on', signal)
    if (this.#enabled) return
    this.#enabled = true
    await this.#operate(ENABLE_MS, signal, () => {
      this.#lit = true
      this.#shine()
    })
  }

  async readEmission(signal: AbortSignal): Promise<boolean> {
    this.#look(signal)
    return this.#enabled
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    try {
      await this.setEmission(false, signal)
      if (!(await this.readEmission(signal)) && !this.#lit) return
    } catch (error) {
      throw this.#unsafe(error)
    }
    throw this.#unsafe(undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A fresh deadline. The caller's signal is often why we are here, and already aborted.
    await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
  }

  /** Every look at the laser is a moment at which what is due has happened. */
  #look(signal: AbortSignal): void {
    requireLive(this.#name, signal)
    const operation = this.#operation
    if (operation === undefined || this.#clock.monotonicNs() < operation.endNs) return
    this.#operation = undefined
    operation.finish()
  }

  async #operate(durationMs: number, signal: AbortSignal, finish: () => void): Promise<void> {
    if (durationMs === 0) return finish()
    this.#operation = { endNs: this.#clock.monotonicNs() + durationMs * 1e6, finish }
    await this.#untilIdle(signal)
  }

  /** An operation that an earlier caller gave up still runs. */
  async #idleFor(action: string, signal: AbortSignal): Promise<void> {
    const startNs = this.#clock.monotonicNs()
    for (this.#look(signal); this.#operation !== undefined; this.#look(signal)) {
      if (this.#isOver(startNs)) {
        throw new BenchError('INSTRUMENT_REFUSED', `${this.#name}: the laser refused to ${action}: still pending`)
      }
      await wait(this.#name, this.#clock, POLL_MS, signal)
      await this.#untilIdle(signal)
    }
  }

  async #untilIdle(signal: AbortSignal): Promise<void> {
    const startNs = this.#clock.monotonicNs()
    for (this.#look(signal); this.#operation !== undefined; this.#look(signal)) {
      if (this.#isOver(startNs)) {
        throw new BenchError(
          'INSTRUMENT_NOT_SETTLED',
          `${this.#name}: waited ${this.#settleTimeoutMs} ms until the pending operation is done, in vain`,
          { context: { device: this.#name, settleTimeoutMs: this.#settleTimeoutMs } },
        )
      }
      await wait(this.#name, this.#clock, POLL_MS, signal)
    }
  }

  #isOver(startNs: number): boolean {
    return this.#clock.monotonicNs() - startNs >= this.#settleTimeoutMs * 1e6
  }

  #shine(): void {
    this.#port.setOutput({
      powerMw: this.#lit ? lightMw(this.#setPower + this.#powerError) : 0,
      frequencyThz: this.#frequencyMhz / 1e6,
    })
  }

  #unsafe(cause: unknown): BenchError {
    const what = `${this.#name}: the laser was told to go dark and did not confirm it; treat its fibre as live`
    return new BenchError('SAFE_STATE_UNVERIFIED', what, { cause, context: { device: this.#name } })
  }
}

function tightened(context: SimContext, key: string, laser: Range): Range {
  const both = intersect(laser, rangeSetting(context, key) ?? EVERYTHING)
  if (both.min <= both.max) return both
  const can = `${laser.min} to ${laser.max}`
  throw new BenchError(
    'BENCH_FILE_INVALID',
    `${context.name}: ${key} of the bench file lies outside what the laser can do, ${can}`,
    { context: { device: context.name, name: key, laser } },
  )
}

export const directItla: DirectEntry<'laser'> = {
  kind: 'laser',
  open: (port, context) => Promise.resolve(new DirectLaser(port, context)),
}
