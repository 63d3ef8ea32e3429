import type { DriverEntry } from '../drivers/driver-entry.ts'
import { closestName, didYouMean } from './closest-name.ts'
import type { BenchInstrument, Drivers } from './instrument-list.ts'
import type { Connector } from './connector.ts'
import { pathText } from './yaml-source.ts'
import type { YamlPath } from './yaml-source.ts'

export type Kind = DriverEntry['kind']
export type ReportProblem = (path: YamlPath, message: string) => void

const KIND_NAMES: Readonly<Record<Kind, string>> = {
  laser: 'a laser',
  'symbol-generator': 'a symbol generator',
  'bias-controller': 'a bias controller',
  'phase-shifter-bank': 'a phase-shifter bank',
  'temperature-controller': 'a temperature controller',
  'power-meter': 'a power meter',
  'voltage-monitor': 'a voltage monitor',
  'energy-meter': 'an energy meter',
  'source-meter': 'a source meter',
  'optical-filter': 'an optical filter',
}

/** No core has a place for these: they stand on the bench beside it, and no section of the file names them. */
const BESIDE_THE_CORE: readonly Kind[] = ['source-meter', 'optical-filter']

/** Who uses which instrument, and which of its connectors. */
export class Claims {
  readonly #instruments: ReadonlyMap<string, BenchInstrument | undefined>
  readonly #drivers: Drivers
  readonly #report: ReportProblem
  readonly #users = new Map<string, YamlPath>()
  /** Named where it does not fit, or meant by a name that does not exist: not forgotten, at least. */
  readonly #mentioned = new Set<string>()
  readonly #connectors = new Map<string, YamlPath>()

  constructor(instruments: ReadonlyMap<string, BenchInstrument | undefined>, drivers: Drivers, report: ReportProblem) {
    this.#instruments = instruments
    this.#drivers = drivers
    this.#report = report
  }

  /** The whole instrument, for one purpose. */
  role(name: string, kind: Kind, path: YamlPath): void {
    if (!this.#fits(name, kind, path)) return
    const user = this.#users.get(name)
    if (user === undefined) this.#users.set(name, path)
    else this.#report(path, `"${name}" is already used by ${pathText(user)}; ${KIND_NAMES[kind]} serves one place`)
  }

  connectors(list: readonly Connector[], kind: Kind): void {
    const known = new Map<string, boolean>()
    // A range is one place in the file: its first fault stands for all.
    const told = new Set<string>()
    for (const { instrument, index, path } of list) {
      const place = `${instrument} ${pathText(path)}`
      const fits = known.get(place) ?? this.#fits(instrument, kind, path)
      known.set(place, fits)
      if (!fits) continue
      this.#users.set(instrument, path)
      const written = `${instrument}.${index + 1}`
      const user = this.#connectors.get(written)
      if (user === undefined) this.#connectors.set(written, path)
      if (told.has(place)) continue
      const why =
        index < 0
          ? 'does not exist; connectors count from 1, as on the front panel'
          : user && `is already used by ${pathText(user)}; every connector carries one signal`
      if (why === undefined) continue
      told.add(place)
      this.#report(path, `"${written}" ${why}`)
    }
  }

  /** `places`: sections in which it could have been named. */
  reportUnused(places: string): void {
    for (const [name, instrument] of this.#instruments) {
      if (this.#users.has(name) || this.#mentioned.has(name)) continue
      if (instrument !== undefined && BESIDE_THE_CORE.includes(instrument.entry.kind)) continue
      this.#report(['instruments', name], `"${name}" is wired to nothing; name it in ${places}, or remove it`)
    }
  }

  #fits(name: string, kind: Kind, path: YamlPath): boolean {
    if (!this.#instruments.has(name)) {
      const names = [...this.#instruments.keys()]
      const right = didYouMean(name, names)
      // The one that was meant is in use, as far as anybody can tell.
      const meant = closestName(name, names)
      if (meant !== undefined) this.#mentioned.add(meant)
      this.#report(path, `there is no instrument "${name}"; ${right}`)
      return false
    }
    const instrument = this.#instruments.get(name)
    if (instrument === undefined || instrument.entry.kind === kind) {
      // One that is wrong in itself has been reported; its wiring is taken as meant.
      if (instrument === undefined) this.#mentioned.add(name)
      return instrument !== undefined
    }
    this.#mentioned.add(name)
    const fitting = Object.keys(this.#drivers).filter((driver) => this.#drivers[driver]?.kind === kind)
    const is = `"${name}" is ${KIND_NAMES[instrument.entry.kind]} (${instrument.driver})`
    this.#report(path, `${is}; ${KIND_NAMES[kind]} belongs here, such as ${fitting.join(' or ')}`)
    return false
  }
}
