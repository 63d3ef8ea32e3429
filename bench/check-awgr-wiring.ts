import { awgrLayout } from '../core/awgr-layout.ts'
import type { AwgrSections } from './bench-schema.ts'
import type { AwgrWiring } from './awgr-wiring.ts'
import {
  GRID_TOLERANCE_THZ,
  HeaterChannels,
  checkGrid,
  checkPortCounts,
  checkSurroundings,
  claimPorts,
  lightWiring,
  playersOf,
  portKeys,
} from './check-light-wiring.ts'
import { Claims } from './claims.ts'
import type { ReportProblem } from './claims.ts'
import { claimBanks } from './heater-banks.ts'
import type { BenchInstrument, Drivers } from './instrument-list.ts'
import type { PortWiring } from './light-wiring.ts'
import type { YamlPath } from './yaml-source.ts'

/**
 * Checks who is wired to what around an AWGR, on every section that could be read, and says it in numbers.
 *
 * Outcomes: undefined as soon as something is missing or wrong; each fault has been reported.
 */
export function checkAwgrWiring(
  sections: Partial<AwgrSections>,
  instruments: ReadonlyMap<string, BenchInstrument | undefined>,
  drivers: Drivers,
  report: ReportProblem,
): AwgrWiring | undefined {
  let faults = 0
  const fault: ReportProblem = (path, message) => {
    faults++
    report(path, message)
  }
  const claims = new Claims(instruments, drivers, fault)
  const { core, wavelengths, ports, heaters } = sections

  wavelengths?.forEach(({ laser }, index) => claims.role(laser, 'laser', ['wavelengths', index, 'laser']))
  const portWiring = ports && claimPorts(ports, ['ports'], claims)
  const sizeFits =
    core === undefined ||
    wavelengths === undefined ||
    portWiring === undefined ||
    checkCounts(core.size, wavelengths.length, portWiring, fault)
  if (core !== undefined && wavelengths !== undefined) checkComb(core.channelSpacingGhz, wavelengths, fault)
  const players = portWiring && playersOf([portWiring])
  const banks = heaters === undefined ? [] : claimBanks(heaters.bank, claims, fault)
  const channels =
    heaters === undefined || core === undefined || !sizeFits ? undefined : ringChannels(heaters.channels, core, fault)
  checkSurroundings(sections, players, 'ports', claims, fault)

  const light = players && lightWiring(sections, players)
  if (!light || !wavelengths || !heaters || !channels || core === undefined) return undefined
  claims.reportUnused('wavelengths, ports, heaters, ovens or mains')
  if (faults > 0) return undefined
  const { form, size, channelSpacingGhz } = core
  const { limitV, settleMs } = heaters
  const wired = { size, form, channelSpacingGhz, wavelengths, ports: portWiring }
  return { ...light, ...wired, heaters: { banks, channels, limitV, settleMs } }
}

/** False when it is the size that is wrong, and nothing can be counted against it. */
function checkCounts(size: number, wavelengths: number, ports: PortWiring, report: ReportProblem): boolean {
  const counts = new Set([wavelengths, ...portKeys(ports).map((key) => ports[key].length)])
  const [common = size] = counts
  if (counts.size === 1 && common !== size) {
    report(['core', 'size'], `is ${size}, but ${common} wavelengths and ports are wired; must be ${common}`)
    return false
  }
  if (wavelengths > size) {
    const why = `the free spectral range of a ${size} × ${size} router holds ${size}`
    report(['wavelengths'], `lists ${wavelengths}, but ${why}; list ${size}`)
  } else if (wavelengths < size) {
    report(['wavelengths'], `lists ${wavelengths} for a router with ${size} channels; list ${size}`)
  }
  checkPortCounts(size, ports, ['ports'], report)
  return true
}

/** Each wavelength is one channel of the router above the one before it. */
function checkComb(spacingGhz: number, wavelengths: AwgrSections['wavelengths'], report: ReportProblem): void {
  const spacingThz = spacingGhz / 1e3
  const [first] = wavelengths
  if (first !== undefined) checkGrid(first.frequencyThz, spacingThz, ['wavelengths', 0, 'frequencyThz'], report)
  for (let k = 1; k < wavelengths.length; k++) {
    const { frequencyThz } = wavelengths[k]!
    const dueThz = wavelengths[k - 1]!.frequencyThz + spacingThz
    if (Math.abs(frequencyThz - dueThz) < GRID_TOLERANCE_THZ) continue
    const due = Number(dueThz.toFixed(6))
    const why = `is ${frequencyThz}, not one channel of ${spacingGhz} GHz above wavelengths[${k - 1}]; must be ${due}`
    report(['wavelengths', k, 'frequencyThz'], why)
  }
}

/** [heater of the layout]: channel of the bank. */
function ringChannels(
  { rings }: AwgrSections['heaters']['channels'],
  { size, form }: AwgrSections['core'],
  report: ReportProblem,
): readonly number[] | undefined {
  const path: YamlPath = ['heaters', 'channels', 'rings']
  const banks = form === 'shared' ? 1 : size
  if (rings.length !== banks) {
    const right = form === 'shared' ? 'all ports share one' : 'give each port its channels'
    report(path, `lists ${rings.length} ring banks of ${banks}; ${right}`)
    return undefined
  }
  let faults = 0
  const layout = awgrLayout(size, form)
  const given = new HeaterChannels(layout.heaters.length, (at, message) => {
    faults++
    report(at, message)
  })
  rings.forEach((list, port) => given.take(list, layout.rings[port]!, [...path, port]))
  return faults === 0 ? given.channels : undefined
}
