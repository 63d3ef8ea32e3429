import type { CommonSections, WrittenPorts } from './bench-schema.ts'
import type { Claims, Kind, ReportProblem } from './claims.ts'
import { expandConnectors, expandHeaters } from './connector.ts'
import type { Connector, HeaterList } from './connector.ts'
import type { LightWiring, PortWiring } from './light-wiring.ts'
import { pathText } from './yaml-source.ts'
import type { YamlPath } from './yaml-source.ts'

/** Shortest averaging time that a logging meter offers. Source: N77xx guide, 1 µs. */
const SHORTEST_POINT_US = 1
const GRID_ANCHOR_THZ = 193.1
/** Rounding of a decimal frequency, far below what a laser resolves (1 MHz). */
export const GRID_TOLERANCE_THZ = 1e-7

/** Claims the instruments of one set of inputs and outputs. */
export function claimPorts(written: WrittenPorts, path: YamlPath, claims: Claims): PortWiring {
  written.bias.forEach((name, port) => claims.role(name, 'bias-controller', [...path, 'bias', port]))
  const connectors = (key: 'drive' | 'plus' | 'minus', kind: Kind): readonly Connector[] => {
    const list = expandConnectors(written[key] ?? [], [...path, key])
    claims.connectors(list, kind)
    return list
  }
  return {
    bias: written.bias,
    drive: connectors('drive', 'symbol-generator'),
    plus: connectors('plus', 'power-meter'),
    minus: connectors('minus', 'power-meter'),
  }
}

/** Every list of `ports` is as long as the core is wide; there may be no − side. */
export function checkPortCounts(size: number, ports: PortWiring, path: YamlPath, report: ReportProblem): void {
  for (const key of portKeys(ports)) {
    if (ports[key].length === size) continue
    const side = key === 'drive' || key === 'bias' ? 'inputs' : 'outputs'
    report([...path, key], `lists ${ports[key].length} for a core with ${size} ${side}; list ${size}`)
  }
}

const PORT_KEYS = ['drive', 'bias', 'plus', 'minus'] as const satisfies readonly (keyof PortWiring)[]

/** The lists that are there. */
export const portKeys = ({ minus }: PortWiring): readonly (keyof PortWiring)[] =>
  PORT_KEYS.filter((key) => key !== 'minus' || minus.length > 0)

export function checkGrid(frequencyThz: number, stepThz: number, path: YamlPath, report: ReportProblem): void {
  const steps = (frequencyThz - GRID_ANCHOR_THZ) / stepThz
  const decimals = String(stepThz).split('.')[1]?.length
  const at = (n: number): string => (GRID_ANCHOR_THZ + n * stepThz).toFixed(decimals)
  if (Math.abs(steps - Math.round(steps)) * stepThz < GRID_TOLERANCE_THZ) return
  const nearest = `${at(Math.floor(steps))} and ${at(Math.ceil(steps))}`
  report(path, `is ${frequencyThz}, not on the ITU grid 193.1 + n × ${stepThz} THz; nearest: ${nearest}`)
}

/** Who makes the symbols, and who reads them. */
export interface Players {
  readonly generators: readonly string[]
  readonly meters: readonly string[]
}

export function playersOf(sets: readonly PortWiring[]): Players {
  const unique = (list: readonly Connector[]): readonly string[] => [...new Set(list.map((one) => one.instrument))]
  return {
    generators: unique(sets.flatMap(({ drive }) => drive)),
    meters: unique(sets.flatMap(({ plus, minus }) => [...plus, ...minus])),
  }
}

/** Checks frame, trigger, ovens and mains. `where` holds the ports: lanes of a mesh, ports of an AWGR. */
export function checkSurroundings(
  { frame, trigger, ovens, mains }: Partial<CommonSections>,
  players: Players | undefined,
  where: string,
  claims: Claims,
  report: ReportProblem,
): void {
  if (trigger !== undefined && players !== undefined) checkTrigger(trigger, players, where, report)
  if (frame !== undefined && frame.symbolPeriodUs / frame.pointsPerSymbol < SHORTEST_POINT_US) {
    const least = frame.pointsPerSymbol * SHORTEST_POINT_US
    report(
      ['frame', 'symbolPeriodUs'],
      `leaves less than ${SHORTEST_POINT_US} µs for each of ${frame.pointsPerSymbol} points; must be at least ${least}`,
    )
  }
  ovens?.forEach(({ name, controller }, index) => {
    claims.role(controller, 'temperature-controller', ['ovens', index, 'controller'])
    const earlier = ovens.findIndex((oven) => oven.name === name)
    if (earlier < index) report(['ovens', index, 'name'], `"${name}" is already the name of ovens[${earlier}]`)
  })
  if (mains !== undefined) claims.role(mains, 'energy-meter', ['mains'])
}

/** Undefined as long as a section is missing. */
export function lightWiring(
  { frame, drive, detection, trigger, ovens, mains, safe }: Partial<CommonSections>,
  { generators, meters }: Players,
): Omit<LightWiring, 'size' | 'heaters'> | undefined {
  if (frame === undefined || drive === undefined || detection === undefined || trigger === undefined) return undefined
  if (ovens === undefined || mains === undefined || safe === undefined) return undefined
  return {
    generators,
    meters,
    trigger,
    frame: {
      symbolPeriodS: frame.symbolPeriodUs / 1e6,
      pointsPerSymbol: frame.pointsPerSymbol,
      maxSymbols: frame.maxSymbols,
    },
    driveAmplitudeV: drive.amplitudeV,
    meterRangeDbm: detection.rangeDbm,
    ovens,
    mains,
    safeDeadlineMs: safe.deadlineS * 1000,
  }
}

/** Gives heaters their channels, each its own. */
export class HeaterChannels {
  /** [heater]: −1 until it has one. */
  readonly channels: number[]
  readonly #users = new Map<number, YamlPath>()
  readonly #report: ReportProblem

  constructor(heaters: number, report: ReportProblem) {
    this.channels = new Array<number>(heaters).fill(-1)
    this.#report = report
  }

  take(list: HeaterList, heaters: readonly number[], path: YamlPath): void {
    const expanded = expandHeaters(list)
    if (expanded.length !== heaters.length) {
      this.#report(path, `lists ${expanded.length} channels for ${heaters.length} heaters; list ${heaters.length}`)
      return
    }
    for (const [index, channel] of expanded.entries()) {
      const user = this.#users.get(channel)
      if (user === undefined) this.#users.set(channel, path)
      else this.#report(path, `channel ${channel} is already used by ${pathText(user)}; every heater has its own`)
      this.channels[heaters[index]!] = channel
    }
  }
}

function checkTrigger(
  { source, targets }: CommonSections['trigger'],
  { generators, meters }: Players,
  where: string,
  report: ReportProblem,
): void {
  if (!generators.includes(source)) {
    report(['trigger', 'source'], `"${source}" drives no modulator; must be one of ${generators.join(', ')}`)
  }
  const needed = [...generators, ...meters].filter((name) => name !== source)
  targets.forEach((name, index) => {
    const path = ['trigger', 'targets', index]
    if (targets.indexOf(name) < index) report(path, `"${name}" stands here twice; keep one`)
    else if (name === source) report(path, `"${name}" is the source; it starts itself`)
    else if (!needed.includes(name)) {
      report(path, `"${name}" waits for no trigger; list generators and meters of the ${where} only`)
    }
  })
  const missing = needed.filter((name) => !targets.includes(name))
  if (missing.length === 0) return
  const they = missing.length === 1 ? 'it waits' : 'they wait'
  report(['trigger', 'targets'], `lacks ${missing.join(', ')}; ${they} for the trigger of every frame`)
}
