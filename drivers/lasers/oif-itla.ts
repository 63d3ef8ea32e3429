import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { Identity, Laser } from '../../core/instruments.ts'
import { powerDbm } from '../../core/quantities.ts'
import type { PowerDbm } from '../../core/quantities.ts'
import { intersect, requireInRange } from '../../core/range.ts'
import type { Range } from '../../core/range.ts'
import type { DriverEntry, IdentityQuestion } from '../driver-entry.ts'
import { itlaSigned } from '../protocols/itla.ts'
import type { Wire } from '../transports/wire.ts'
import { ItlaRegisters, hearOut } from './itla-registers.ts'
import type { ItlaRegister, ItlaTiming } from './itla-registers.ts'

const limits = z.strictObject({ min: z.number(), max: z.number() }).refine(({ min, max }) => min <= max, {
  error: 'min is above max',
})

const settings = z.strictObject({
  /** The laser with this serial number and no other: two lasers on one USB adapter look alike. */
  serial: z.string().min(1).optional(),
  /** Tighter than what the laser can do. */
  frequencyRangeThz: limits.optional(),
  powerRangeDbm: limits.optional(),
  /** Longest time to tune or to switch on. */
  settleTimeoutMs: z.number().positive().default(60_000),
})

export type OifItlaSettings = z.infer<typeof settings>

/** Replies come within 50 ms as a rule; public drivers wait for half a second. */
const TIMING: ItlaTiming = { replyMs: 500, quietMs: 100 }
const SAFE_BUDGET_MS = 15_000

const OUTPUT_ENABLE = 0x0008
const OUTPUT_DISABLED = 0x1000
/** 50 GHz in the register's steps of 0.1 GHz. Channel 1 does not depend on it, but a known grid is better than a left one. */
const GRID_50_GHZ = 500
const MHZ_PER_STEP = 100
/** What the coarsest laser can resolve: where it says it is, it is. */
const FREQUENCY_TOLERANCE_THZ = 1e-4
/** A laser that says nothing of its output being disabled is dark when it measures this much less than its least power. */
const DARK_BELOW_MIN_DB = 10

const EVERYTHING: Range = { min: -Infinity, max: Infinity }

interface Found {
  readonly identity: Identity
  readonly frequencyRangeThz: Range
  readonly powerRangeDbm: Range
  readonly resolvesMhz: boolean
}

/**
 * Tunable laser after the OIF ITLA agreement: micro-ITLA modules of Pure Photonics, NeoPhotonics, Lumentum.
 *
 * Units: the wire carries THz, 0.1 GHz and MHz parts and hundredths of dBm. Frequencies are rounded to 1 MHz, or to
 * 0.1 GHz on modules without MHz registers (agreement 01.2).
 * Leaves: the laser dark.
 * Source: OIF-ITLA-MSA-01.3 as implemented by pytla and pyrolab, which ran on such lasers.
 */
export class OifItla implements Laser {
  readonly identity: Identity
  readonly frequencyRangeThz: Range
  readonly powerRangeDbm: Range
  readonly #registers: ItlaRegisters
  readonly #resolvesMhz: boolean

  private constructor(registers: ItlaRegisters, found: Found) {
    this.#registers = registers
    this.identity = found.identity
    this.frequencyRangeThz = found.frequencyRangeThz
    this.powerRangeDbm = found.powerRangeDbm
    this.#resolvesMhz = found.resolvesMhz
  }

  static async open(
    wire: Wire,
    settings: OifItlaSettings,
    clock: Clock,
    signal: AbortSignal,
    timing: ItlaTiming = TIMING,
  ): Promise<OifItla> {
    const registers = new ItlaRegisters(wire, clock, settings.settleTimeoutMs, timing)
    try {
      await registers.wake(signal)
      const identity = await checkIdentity(registers, settings.serial, signal)
      return new OifItla(registers, { identity, ...(await readCapabilities(registers, settings, signal)) })
    } catch (error) {
      await registers[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The laser is dark afterwards: it does not take a new frequency while it emits. */
  async setFrequencyThz(frequencyThz: number, signal: AbortSignal): Promise<void> {
    // The laser itself would say nothing and stay at the edge of its range.
    requireInRange('frequencyThz', frequencyThz, this.frequencyRangeThz)
    if (await this.#isEnabled(signal)) await this.setEmission(false, signal)
    const registers = this.#registers
    const fineTuning = await registers.readIfImplemented('FTF', signal)
    if (fineTuning !== undefined && fineTuning !== 0) await registers.write('FTF', 0, signal)

    const totalMhz = this.#resolvesMhz
      ? Math.round(frequencyThz * 1e6)
      : Math.round((frequencyThz * 1e6) / MHZ_PER_STEP) * MHZ_PER_STEP
    const withinThz = totalMhz % 1e6
    await registers.write('GRID', GRID_50_GHZ, signal)
    await registers.write('FCF1', Math.floor(totalMhz / 1e6), signal)
    await registers.write('FCF2', Math.floor(withinThz / MHZ_PER_STEP), signal)
    if (this.#resolvesMhz) await registers.write('FCF3', withinThz % MHZ_PER_STEP, signal)
    await registers.write('Channel', 1, signal)
    await registers.until(`it is at ${totalMhz / 1e6} THz`, signal, async () => {
      const readThz = await this.readFrequencyThz(signal)
      return Math.abs(readThz - totalMhz / 1e6) <= FREQUENCY_TOLERANCE_THZ
    })
  }

  readFrequencyThz(signal: AbortSignal): Promise<number> {
    return readFrequencyThz(this.#registers, ['LF1', 'LF2', this.#resolvesMhz ? 'LF3' : undefined], signal)
  }

  async setPowerDbm(power: PowerDbm, signal: AbortSignal): Promise<void> {
    requireInRange('powerDbm', power, this.powerRangeDbm)
    await this.#registers.write('PWR', Math.round(power * 100), signal)
  }

  async readPowerDbm(signal: AbortSignal): Promise<PowerDbm> {
    return powerDbm(await readHundredths(this.#registers, 'OOP', signal))
  }

  async setEmission(on: boolean, signal: AbortSignal): Promise<void> {
    await this.#registers.write('ResEna', on ? OUTPUT_ENABLE : 0, signal)
    await this.#registers.until(`its output is ${on ? 'on' : 'off'}`, signal, async () =>
      on ? this.readEmission(signal) : !(await this.#isEnabled(signal)),
    )
  }

  async readEmission(signal: AbortSignal): Promise<boolean> {
    if (!(await this.#isEnabled(signal))) return false
    // A laser that shut itself down after a fault is still enabled, and dark.
    return ((await this.#registers.read('StatusW', signal)) & OUTPUT_DISABLED) === 0
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    try {
      await this.setEmission(false, signal)
      if (await this.#isDark(signal)) return
    } catch (error) {
      throw this.#unsafe(error)
    }
    throw this.#unsafe(undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _registers = this.#registers
    // A fresh deadline. The caller's signal is often why we are here, and already aborted.
    await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
  }

  async #isEnabled(signal: AbortSignal): Promise<boolean> {
    return ((await this.#registers.read('ResEna', signal)) & OUTPUT_ENABLE) !== 0
  }

  async #isDark(signal: AbortSignal): Promise<boolean> {
    if (((await this.#registers.read('StatusW', signal)) & OUTPUT_DISABLED) !== 0) return true
    // Some lasers never set that bit. What they measure decides.
    return (await this.readPowerDbm(signal)) < this.powerRangeDbm.min - DARK_BELOW_MIN_DB
  }

  #unsafe(cause: unknown): BenchError {
    const { name } = this.#registers
    return new BenchError(
      'SAFE_STATE_UNVERIFIED',
      `${name}: the laser was told to go dark and did not confirm it; treat its fibre as live`,
      { cause, context: { device: name } },
    )
  }
}

async function checkIdentity(
  registers: ItlaRegisters,
  wantedSerial: string | undefined,
  signal: AbortSignal,
): Promise<Identity> {
  const deviceType = await registers.readText('DevTyp', signal)
  const identity: Identity = {
    maker: await registers.readText('MFGR', signal),
    model: await registers.readText('Model', signal),
    serial: await registers.readText('SerNo', signal),
    firmware: await registers.readText('Release', signal),
  }
  if (/ITLA/i.test(deviceType) && (wantedSerial ?? identity.serial) === identity.serial) return identity
  const wanted = wantedSerial === undefined ? 'an ITLA laser' : `the ITLA laser with serial number ${wantedSerial}`
  const { maker, model, serial } = identity
  throw new BenchError(
    'INSTRUMENT_WRONG_IDENTITY',
    `${registers.name}: expected ${wanted}, found ${maker} ${model} with serial number ${serial} and type "${deviceType}"`,
    { context: { device: registers.name, deviceType, ...identity, expectedSerial: wantedSerial } },
  )
}

async function readCapabilities(
  registers: ItlaRegisters,
  settings: OifItlaSettings,
  signal: AbortSignal,
): Promise<Omit<Found, 'identity'>> {
  const has = async (register: ItlaRegister): Promise<boolean> =>
    (await registers.readIfImplemented(register, signal)) !== undefined
  const resolvesMhz = (await has('FCF3')) && (await has('LF3'))
  const hasMhzLimits = resolvesMhz && (await has('LFL3')) && (await has('LFH3'))
  const frequency: Range = {
    min: await readFrequencyThz(registers, ['LFL1', 'LFL2', hasMhzLimits ? 'LFL3' : undefined], signal),
    max: await readFrequencyThz(registers, ['LFH1', 'LFH2', hasMhzLimits ? 'LFH3' : undefined], signal),
  }
  const power: Range = {
    min: await readHundredths(registers, 'OPSL', signal),
    max: await readHundredths(registers, 'OPSH', signal),
  }
  return {
    resolvesMhz,
    frequencyRangeThz: tighten(registers.name, 'frequencyRangeThz', frequency, settings.frequencyRangeThz),
    powerRangeDbm: tighten(registers.name, 'powerRangeDbm', power, settings.powerRangeDbm),
  }
}

function tighten(device: string, name: string, laser: Range, benchFile: Range | undefined): Range {
  const both = intersect(laser, benchFile ?? EVERYTHING)
  if (both.min <= both.max) return both
  throw new BenchError(
    'BENCH_FILE_INVALID',
    `${device}: ${name} of the bench file lies outside what the laser can do, ${laser.min} to ${laser.max}`,
    { context: { device, name, laser, benchFile } },
  )
}

/** THz, tenths of GHz and, where the laser has them, MHz. */
async function readFrequencyThz(
  registers: ItlaRegisters,
  [thz, tenthsGhz, mhz]: readonly [ItlaRegister, ItlaRegister, ItlaRegister | undefined],
  signal: AbortSignal,
): Promise<number> {
  const whole = await registers.read(thz, signal)
  const tenths = await registers.read(tenthsGhz, signal)
  const rest = mhz === undefined ? 0 : itlaSigned(await registers.read(mhz, signal))
  if (tenths < 10_000 && Math.abs(rest) < MHZ_PER_STEP) return (whole * 1e6 + tenths * MHZ_PER_STEP + rest) / 1e6
  throw new BenchError('PROTOCOL_UNEXPECTED_REPLY', `${registers.name}: ${thz} and its neighbours are no frequency`, {
    context: { device: registers.name, reply: { [thz]: whole, [tenthsGhz]: tenths, mhz: rest } },
  })
}

async function readHundredths(registers: ItlaRegisters, register: ItlaRegister, signal: AbortSignal): Promise<number> {
  return itlaSigned(await registers.read(register, signal)) / 100
}

/** Reads the registers that say who it is. */
const askIdentity: IdentityQuestion['ask'] = async (wire, { clock, timeoutMs = TIMING.replyMs }, signal) => {
  await using registers = new ItlaRegisters(wire, clock, 0, { ...TIMING, replyMs: timeoutMs }, hearOut)
  return await checkIdentity(registers, undefined, signal)
}

export const oifItla: DriverEntry<OifItlaSettings, OifItla> = {
  kind: 'laser',
  wires: ['serial'],
  serialLine: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
  settings,
  // A check sum of four bits: of text at another baud rate, one group of bytes in sixteen is a frame.
  identity: { ask: askIdentity, fits: () => true, fragile: true },
  open: (wire, settings, clock, signal) => OifItla.open(wire, settings, clock, signal),
}
