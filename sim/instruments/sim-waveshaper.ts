import type { Clock } from '../../core/clock.ts'
import { CounterRandom } from '../../core/random.ts'
import type { FilterPort, FilterSetting } from '../optics/world-ports.ts'
import type { WireInstrument } from '../ports/wire-instrument.ts'
import type { HttpAnswer, HttpCall } from '../protocols/http.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'
import { HttpServer } from './http-server.ts'

const START_GHZ = 191_250
const STOP_GHZ = 196_275
const PORTS = 4
const BLOCKED_DB = 60
const MOST_PREDEFINED_DB = 40
const LEAST_BANDWIDTH_GHZ = 10
/** Assumption: the liquid crystal takes half a second, and the reply comes when it has settled. */
const SETTLE_MS = 500

/** Numbers are an assumption: only 0 for success is known; the classes are those of the vendor's library. */
const REFUSALS = {
  request: [-1, 'Invalid request'],
  port: [-21, 'Invalid port number'],
  frequency: [-22, 'Invalid frequency'],
  attenuation: [-23, 'Invalid attenuation'],
  spacing: [-24, 'Invalid frequency spacing'],
  bandwidth: [-25, 'Bandwidth too narrow'],
  profile: [-26, 'Invalid profile'],
} as const

class Refusal extends Error {
  readonly code: number
  constructor(which: keyof typeof REFUSALS) {
    super(REFUSALS[which][1])
    this.code = REFUSALS[which][0]
  }
}

/**
 * Twin of a Finisar WaveShaper 4000A: devinfo, loadprofile and getprofile over HTTP.
 *
 * The active profile is told over the whole range, blocked slices at 60 dB on port 0.
 * Bandstop, gaussian and transmit are made like the band-pass, at the attenuation given.
 * Source: Finisar WaveShaper REST examples; AstroComb driver docs. See the sheet's assumptions above.
 */
class SimWaveshaper {
  readonly #port: FilterPort
  readonly #clock: Clock
  readonly #serial: string
  #settings: readonly FilterSetting[] = []

  constructor(port: FilterPort, { name, seed, clock }: SimContext) {
    this.#port = port
    this.#clock = clock
    this.#serial = `SN${String(Math.floor(1e6 * new CounterRandom(seed, `waveshaper/${name}/serial`).uniform(0))).padStart(6, '0')}`
  }

  async answer({ method, path, body }: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
    switch (`${method} ${path}`) {
      case 'GET /waveshaper/devinfo':
        return json({
          model: 'WaveShaper 4000A',
          sno: this.#serial,
          ver: '2.1.5',
          startfreq: START_GHZ / 1e3,
          stopfreq: STOP_GHZ / 1e3,
          ip: '169.254.6.8',
          portcount: PORTS,
          rc: 0,
          rctext: 'Success',
        })
      case 'GET /waveshaper/getprofile':
        return { status: 200, type: 'text/plain', body: wspText(this.#settings) }
      case 'POST /waveshaper/loadprofile':
        return json({ ...(await this.#load(body, signal)), sno: this.#serial })
      default:
        return {
          status: /^\/waveshaper\/(devinfo|getprofile|loadprofile)$/.test(path) ? 405 : 404,
          type: 'text/plain',
          body: '',
        }
    }
  }

  async #load(body: string, signal: AbortSignal): Promise<{ readonly rc: number; readonly rctext: string }> {
    try {
      const settings = settingsOf(body)
      await this.#clock.sleep(SETTLE_MS, signal)
      this.#settings = settings
      this.#port.set(settings)
      return { rc: 0, rctext: 'Success' }
    } catch (error) {
      if (error instanceof Refusal) return { rc: error.code, rctext: error.message }
      throw error
    }
  }
}

function settingsOf(body: string): readonly FilterSetting[] {
  const request = objectOf(body)
  switch (request['type']) {
    case 'blockall':
      return []
    case 'wsp':
      return typeof request['wsp'] === 'string' ? readWsp(request['wsp']) : refuse('profile')
    case 'transmit':
      return band(request, START_GHZ, STOP_GHZ, () => true)
    case 'bandpass':
    case 'bandstop':
    case 'gaussian': {
      const inside = request['type'] !== 'bandstop'
      const centreGhz = 1e3 * numberAt(request, 'center', 'frequency')
      const halfGhz = 500 * numberAt(request, 'bandwidth', 'bandwidth')
      if (2 * halfGhz < LEAST_BANDWIDTH_GHZ - 1e-6) refuse('bandwidth')
      const [from, to] = [centreGhz - halfGhz, centreGhz + halfGhz]
      if (from < START_GHZ - 1e-6 || to > STOP_GHZ + 1e-6) refuse('frequency')
      return band(request, START_GHZ, STOP_GHZ, (ghz) => (ghz >= from - 1e-6 && ghz <= to + 1e-6) === inside)
    }
    default:
      return refuse('request')
  }
}

function band(
  request: Readonly<Record<string, unknown>>,
  fromGhz: number,
  toGhz: number,
  passes: (ghz: number) => boolean,
): readonly FilterSetting[] {
  const port = numberAt(request, 'port', 'port')
  if (!Number.isInteger(port) || port < 1 || port > PORTS) refuse('port')
  const attenuationDb = numberAt(request, 'attn', 'attenuation')
  if (attenuationDb < 0 || attenuationDb > MOST_PREDEFINED_DB) refuse('attenuation')
  const settings: FilterSetting[] = []
  for (let ghz = fromGhz; ghz <= toGhz; ghz++) {
    if (passes(ghz)) settings.push({ frequencyThz: ghz / 1e3, attenuationDb, phaseRad: 0, port })
  }
  return settings
}

/** One slice a line: frequency, attenuation, phase, port, between tabs. */
function readWsp(text: string): readonly FilterSetting[] {
  const settings: FilterSetting[] = []
  let lastGhz: number | undefined
  for (const line of text.split('\n').filter((line) => line.trim() !== '')) {
    const fields = line.trim().split(/\s+/)
    // NaN stands for blocked.
    const [frequencyThz, written, phaseRad, port] = fields.map(Number)
    if (fields.length !== 4 || frequencyThz === undefined || port === undefined) return refuse('profile')
    const attenuationDb = written === undefined || Number.isNaN(written) ? BLOCKED_DB : written
    const ghz = 1e3 * frequencyThz
    if (!(ghz >= START_GHZ - 0.5 && ghz <= STOP_GHZ + 0.5)) refuse('frequency')
    if (Math.abs(ghz - Math.round(ghz)) > 0.01 || (lastGhz !== undefined && Math.round(ghz) !== lastGhz + 1))
      refuse('spacing')
    lastGhz = Math.round(ghz)
    if (attenuationDb < 0) refuse('attenuation')
    if (phaseRad === undefined || Number.isNaN(phaseRad)) refuse('profile')
    if (!Number.isInteger(port) || port < 0 || port > PORTS) refuse('port')
    if (port === 0 || attenuationDb >= BLOCKED_DB) continue
    settings.push({ frequencyThz: lastGhz / 1e3, attenuationDb, phaseRad, port })
  }
  return lastGhz === undefined ? refuse('profile') : settings
}

function wspText(settings: readonly FilterSetting[]): string {
  const at = new Map(settings.map((setting) => [Math.round(1e3 * setting.frequencyThz), setting]))
  const lines: string[] = []
  for (let ghz = START_GHZ; ghz <= STOP_GHZ; ghz++) {
    const { attenuationDb = BLOCKED_DB, phaseRad = 0, port = 0 } = at.get(ghz) ?? {}
    lines.push(`${(ghz / 1e3).toFixed(4)}\t${attenuationDb.toFixed(4)}\t${phaseRad.toFixed(4)}\t${port}\n`)
  }
  return lines.join('')
}

function objectOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : refuse('request')
  } catch {
    return refuse('request')
  }
}

function numberAt(request: Readonly<Record<string, unknown>>, key: string, refusal: keyof typeof REFUSALS): number {
  const value = request[key]
  return typeof value === 'number' ? value : refuse(refusal)
}

function refuse(which: keyof typeof REFUSALS): never {
  throw new Refusal(which)
}

function json(value: unknown): HttpAnswer {
  return { status: 200, type: 'application/json', body: JSON.stringify(value) }
}

export const simWaveshaper: SimEntry<'optical-filter'> = {
  kind: 'optical-filter',
  create: (port, context): WireInstrument => {
    const waveshaper = new SimWaveshaper(port, context)
    return new HttpServer((call, signal) => waveshaper.answer(call, signal))
  },
}
