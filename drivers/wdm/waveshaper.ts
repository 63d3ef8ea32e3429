import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { BandPass, FilterProfile, Identity, OpticalFilter } from '../../core/instruments.ts'
import { requireInRange } from '../../core/range.ts'
import type { Range } from '../../core/range.ts'
import type { DriverEntry } from '../driver-entry.ts'
import { httpReply, httpRequest } from '../protocols/http.ts'
import { openSession } from '../transports/wire.ts'
import type { Wire } from '../transports/wire.ts'
import type { WireSession } from '../transports/session.ts'
import { parseWspText, wspText } from './wsp-text.ts'

const PATHS = { info: '/waveshaper/devinfo', load: '/waveshaper/loadprofile', read: '/waveshaper/getprofile' }
/** Source: public clients wait this long for an upload. */
const TIMEOUT_MS = 20_000
const SAFE_BUDGET_MS = 25_000
const SLICE_THZ = 0.001
/** A hundredth of a slice: the wire carries 0.1 GHz. */
const SLICE_TOLERANCE_THZ = 1e-5
const ATTENUATION_DB: Range = { min: 0, max: 60 }
const BLOCKED_DB = 60
const BAND_ATTENUATION_DB: Range = { min: 0, max: 40 }
const LEAST_BANDWIDTH_THZ = 0.01
/** Whole turns mean nothing to light; more of them than this is a mistake. */
const PHASE_RAD: Range = { min: -1000, max: 1000 }

const infoSchema = z.looseObject({
  model: z.string(),
  sno: z.string(),
  ver: z.string(),
  startfreq: z.number().positive(),
  stopfreq: z.number().positive(),
  portcount: z.int().min(1).max(255),
})
/** One client reads the words under another name. */
const outcomeSchema = z.looseObject({ rc: z.int(), rctext: z.string().optional(), msg: z.string().optional() })

const settingsSchema = z.strictObject({
  /** Wait after a profile was loaded, until the liquid crystal is at rest. */
  settleMs: z.number().min(0).max(10_000).default(500),
})

export type WaveshaperSettings = z.infer<typeof settingsSchema>

/**
 * Finisar (Coherent) WaveShaper of the A series: programmable filter, HTTP.
 *
 * Units: the wire carries THz, dB and radians, as callers see them, with four decimals.
 * Throws: RANGE_EXCEEDED and SHAPE_MISMATCH before a byte is sent; INSTRUMENT_REFUSED with the instrument's words.
 * Leaves: everything blocked, read back.
 * Source: Finisar WaveShaper REST examples and public clients of it; see test/vectors/waveshaper.json.
 */
export class Waveshaper implements OpticalFilter {
  readonly identity: Identity
  readonly frequencyRangeThz: Range
  readonly portCount: number
  readonly #name: string
  readonly #session: WireSession
  readonly #settings: WaveshaperSettings
  readonly #clock: Clock

  private constructor(name: string, session: WireSession, settings: WaveshaperSettings, clock: Clock, info: Info) {
    this.#name = name
    this.#session = session
    this.#settings = settings
    this.#clock = clock
    this.identity = identityFrom(info)
    this.frequencyRangeThz = { min: info.startfreq, max: info.stopfreq }
    this.portCount = info.portcount
  }

  static async open(
    wire: Wire,
    settings: WaveshaperSettings,
    clock: Clock,
    signal: AbortSignal,
    timeoutMs = TIMEOUT_MS,
  ): Promise<Waveshaper> {
    const session = openSession(wire, { timeoutMs })
    try {
      return new Waveshaper(wire.name, session, settings, clock, await askInfo(wire.name, session, signal))
    } catch (error) {
      await session[Symbol.asyncDispose]()
      throw error
    }
  }

  async loadProfile(profile: FilterProfile, signal: AbortSignal): Promise<void> {
    this.#requireProfile(profile)
    await this.#load('load a profile', { type: 'wsp', wsp: wspText(profile) }, signal)
  }

  async loadBandPass({ port, centreThz, bandwidthThz, attenuationDb }: BandPass, signal: AbortSignal): Promise<void> {
    requirePort(port, { min: 1, max: this.portCount })
    const { min, max } = this.frequencyRangeThz
    requireInRange('bandwidthThz', bandwidthThz, { min: LEAST_BANDWIDTH_THZ, max: max - min })
    requireInRange('centreThz', centreThz, { min: min + bandwidthThz / 2, max: max - bandwidthThz / 2 })
    requireInRange('attenuationDb', attenuationDb, BAND_ATTENUATION_DB)
    const band = { type: 'bandpass', port, center: centreThz, bandwidth: bandwidthThz, attn: attenuationDb }
    await this.#load('load a band-pass', band, signal)
  }

  async blockAll(signal: AbortSignal): Promise<void> {
    await this.#load('block all', { type: 'blockall' }, signal)
  }

  async readProfile(signal: AbortSignal): Promise<FilterProfile> {
    const { status, body } = await this.#session.ask(httpRequest('GET', PATHS.read), httpReply, signal)
    if (status !== 200) throw this.#refused('read its profile', `HTTP status ${status}`)
    return parseWspText(text(body))
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    await this.blockAll(signal)
    const { ports, attenuationsDb, frequenciesThz } = await this.readProfile(signal)
    const open = ports.findIndex((port, slice) => port !== 0 && attenuationsDb[slice]! < BLOCKED_DB)
    if (open < 0) return
    const still = `${frequenciesThz[open]!} THz still passes to port ${ports[open]!}`
    throw new BenchError('SAFE_STATE_UNVERIFIED', `${this.#name} was told to block all light, but ${still}`, {
      context: { instrument: this.#name, frequencyThz: frequenciesThz[open], port: ports[open] },
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _session = this.#session
    await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
  }

  async #load(doing: string, request: unknown, signal: AbortSignal): Promise<void> {
    const { status, body } = await this.#session.ask(httpRequest('POST', PATHS.load, request), httpReply, signal)
    if (status !== 200) throw this.#refused(doing, `HTTP status ${status}`)
    const outcome = outcomeSchema.safeParse(jsonOrUndefined(body))
    if (!outcome.success) throw unreadable(this.#name, body)
    const { rc, rctext, msg } = outcome.data
    if (rc !== 0) throw this.#refused(doing, `${rc} ${rctext ?? msg ?? ''}`.trimEnd())
    try {
      await this.#clock.sleep(this.#settings.settleMs, signal)
    } catch (cause) {
      throw new BenchError('TRANSPORT_ABORTED', `${this.#name}: given up while its light settled`, { cause })
    }
  }

  #requireProfile({ frequenciesThz, attenuationsDb, phasesRad, ports }: FilterProfile): void {
    const slices = frequenciesThz.length
    if (slices === 0 || [attenuationsDb, phasesRad, ports].some(({ length }) => length !== slices)) {
      const lengths = [slices, attenuationsDb.length, phasesRad.length, ports.length]
      throw new BenchError(
        'SHAPE_MISMATCH',
        `a profile has frequency, attenuation, phase and port for each slice; got ${lengths.join(', ')}`,
        { context: { instrument: this.#name, lengths } },
      )
    }
    for (let slice = 0; slice < slices; slice++) {
      const frequencyThz = frequenciesThz[slice]!
      requireInRange('frequencyThz', frequencyThz, this.frequencyRangeThz)
      const onGridThz =
        Math.round(slice === 0 ? frequencyThz / SLICE_THZ : frequenciesThz[0]! / SLICE_THZ + slice) * SLICE_THZ
      const near = { min: onGridThz - SLICE_TOLERANCE_THZ, max: onGridThz + SLICE_TOLERANCE_THZ }
      requireInRange(`frequencyThz of slice ${slice}`, frequencyThz, near)
      requireInRange('attenuationDb', attenuationsDb[slice]!, ATTENUATION_DB)
      requireInRange('phaseRad', phasesRad[slice]!, PHASE_RAD)
      requirePort(ports[slice]!, { min: 0, max: this.portCount })
    }
  }

  #refused(doing: string, said: string): BenchError {
    return new BenchError('INSTRUMENT_REFUSED', `${this.#name} refused to ${doing}: ${said}`, {
      context: { instrument: this.#name, doing, said },
    })
  }
}

function requirePort(port: number, range: Range): void {
  requireInRange('port', Number.isInteger(port) ? port : Number.NaN, range)
}

const text = (body: Uint8Array): string => Buffer.from(body).toString('utf8')

function jsonOrUndefined(body: Uint8Array): unknown {
  try {
    return JSON.parse(text(body))
  } catch {
    return undefined
  }
}

function wrongIdentity(name: string, status: number, body: Uint8Array): BenchError {
  const reply = text(body.subarray(0, 200))
  const answers = `status ${status} and ${JSON.stringify(reply)}`
  return new BenchError('INSTRUMENT_WRONG_IDENTITY', `${name} should be a WaveShaper, but ${answers} answers there`, {
    context: { instrument: name, status, reply },
  })
}

function unreadable(name: string, body: Uint8Array): BenchError {
  const reply = text(body.subarray(0, 200))
  return new BenchError('PROTOCOL_UNEXPECTED_REPLY', `${name} answers ${JSON.stringify(reply)} to a load`, {
    context: { instrument: name, reply },
  })
}

type Info = z.infer<typeof infoSchema>

async function askInfo(name: string, session: WireSession, signal: AbortSignal): Promise<Info> {
  const { status, body } = await session.ask(httpRequest('GET', PATHS.info), httpReply, signal)
  const info = infoSchema.safeParse(status === 200 ? jsonOrUndefined(body) : undefined)
  if (!info.success) throw wrongIdentity(name, status, body)
  return info.data
}

const MAKER = 'Finisar'

function identityFrom({ model, sno, ver }: Info): Identity {
  return { maker: MAKER, model, serial: sno, firmware: ver }
}

export const waveshaper: DriverEntry<WaveshaperSettings, OpticalFilter> = {
  kind: 'optical-filter',
  wires: ['http'],
  settings: settingsSchema,
  identity: {
    ask: async (wire, { timeoutMs = TIMEOUT_MS }, signal) => {
      await using session = openSession(wire, { timeoutMs })
      return identityFrom(await askInfo(wire.name, session, signal))
    },
    // Nobody else answers under this path.
    fits: ({ maker }) => maker === MAKER,
  },
  open: (wire, settings, clock, signal) => Waveshaper.open(wire, settings, clock, signal),
}
