import { NO_DEFECTS } from '../sim/optics/defects.ts'
import type { TwinDefects } from '../sim/optics/defects.ts'
import type { WrittenDefects } from './bench-schema.ts'
import type { ReportProblem } from './claims.ts'
import { expandConnectors } from './connector.ts'
import type { MeshWiring } from './mesh-wiring.ts'
import type { YamlPath } from './yaml-source.ts'

const BASE: YamlPath = ['twin', 'defects']

/** What `twin.defects` asks for; whatever names something that the bench does not have is reported. */
export function checkDefects(written: WrittenDefects, wiring: MeshWiring, report: ReportProblem): TwinDefects {
  if (written === undefined) return NO_DEFECTS
  const { swappedHeaters = [], deadHeaters = [], stuckHeaters = [] } = written
  const { darkPorts = [], saturatedPorts = [], laserOffsetsGhz = {} } = written
  const taken = new Set<number>()
  const channel = (number: number, path: YamlPath): void => {
    const is = `is channel ${number}`
    if (!wiring.heaters.channels.includes(number)) report(path, `${is}, which no heater has; see heaters.channels`)
    else if (taken.has(number)) report(path, `${is}, which has a defect already; give each channel one`)
    taken.add(number)
  }
  for (const [i, pair] of swappedHeaters.entries())
    for (const [side, number] of pair.entries()) channel(number, [...BASE, 'swappedHeaters', i, side])
  for (const [i, number] of deadHeaters.entries()) channel(number, [...BASE, 'deadHeaters', i])
  for (const [i, stuck] of stuckHeaters.entries()) channel(stuck.channel, [...BASE, 'stuckHeaters', i, 'channel'])

  const ports = expandConnectors(darkPorts, [...BASE, 'darkPorts'])
  const wired = wiring.lanes.flatMap(({ plus, minus }) => [...plus, ...minus])
  const saturated = saturatedPorts.flatMap(({ port, saturationMw }, i) => {
    const path = [...BASE, 'saturatedPorts', i, 'port']
    return expandConnectors([port], path).map((connector) => ({ ...connector, path, saturationMw }))
  })
  for (const { instrument, index, path } of [...ports, ...saturated]) {
    if (wired.some((port) => port.instrument === instrument && port.index === index)) continue
    report(path, `"${instrument}.${index + 1}" is no meter port of a lane; see plus and minus of lanes`)
  }
  const lasers = wiring.lanes.map(({ laser }) => laser)
  for (const laser of Object.keys(laserOffsetsGhz)) {
    const path = [...BASE, 'laserOffsetsGhz', laser]
    if (!lasers.includes(laser)) report(path, `"${laser}" lights no lane; must be ${lasers.join(' or ')}`)
  }
  return {
    swappedHeaters: swappedHeaters.map(([a = 0, b = 0]) => [a, b]),
    deadHeaters,
    stuckHeaters,
    darkPorts: ports.map(({ instrument, index }) => ({ meter: instrument, port: index })),
    saturatedPorts: saturated.map(({ instrument, index, saturationMw }) => {
      return { meter: instrument, port: index, saturationMw }
    }),
    laserOffsetsGhz,
  }
}
