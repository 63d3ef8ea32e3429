import { signedColour } from './colours.ts'
import { drawMesh, meshFrame } from './mesh-frame.ts'
import type { MeshDevice, MeshFrame, MeshPicture } from './mesh-frame.ts'
import { colourScale } from './scales.ts'
import { element, escaped, INK, text } from './svg.ts'

export interface SplitDevice extends MeshDevice {
  /** Angle errors of the splitter that light meets first, and of the second: π/4 + error. */
  readonly alphaRad: number
  readonly betaRad: number
}

/** A mesh with what is wrong with its splitters. */
export function meshSplittersPicture(picture: MeshPicture<SplitDevice>): string {
  const frame = meshFrame(picture)
  const largest = largestError(picture)
  const device = (each: SplitDevice, section: number): string =>
    splitDevice(each, section, picture.sections[section]!.name, frame, largest)
  return drawMesh(picture, frame, device, splittersLegend(frame, largest))
}

function splitDevice(device: SplitDevice, section: number, name: string, frame: MeshFrame, largest: number): string {
  const { column, top, single, alphaRad, betaRad } = device
  const { rowPitch, pill, body, detailed } = frame
  const [left, y] = [frame.pillX(section, column), frame.rowY(top) - 0.28 * rowPitch]
  const [width, bar] = [frame.bodyX(section, column) + body - left, pill]
  const height = (single ? 0 : rowPitch) + 0.56 * rowPitch
  const where = single ? `waveguide ${top}` : `column ${column}, waveguides ${top} and ${top + 1}`
  const outline = { stroke: INK, 'stroke-width': 0.02 * rowPitch }
  const splitter = (x: number, errorRad: number): string =>
    element('rect', { x, y, width: bar, height, ...outline, fill: signedColour(errorRad / largest) }) +
    (detailed ? text(x + bar / 2, y + height / 2 + 4.5, 12.5, milliradians(errorRad), { 'text-anchor': 'middle' }) : '')
  return element(
    'g',
    { class: single ? 'attenuator' : 'mzi' },
    element(
      'title',
      {},
      escaped(`${name}, ${where}: α ${milliradians(alphaRad)} mrad, β ${milliradians(betaRad)} mrad`),
    ),
    element('rect', { x: left, y, width, height, fill: '#ffffff', ...outline }),
    splitter(left, alphaRad),
    splitter(left + width - bar, betaRad),
  )
}

const milliradians = (rad: number): string => `${rad < 0 ? '−' : '+'}${Math.abs(1e3 * rad).toFixed(1)}`

function largestError({ sections }: MeshPicture<SplitDevice>): number {
  let largest = 0
  for (const { devices } of sections) {
    for (const { alphaRad, betaRad } of devices) largest = Math.max(largest, Math.abs(alphaRad), Math.abs(betaRad))
  }
  return largest > 0 ? largest : 1e-3
}

function splittersLegend(
  { bottom, letters, width }: MeshFrame,
  largest: number,
): { height: number; drawn: readonly string[] } {
  return {
    height: 5 * letters,
    drawn: colourScale({
      ...{ x: 24, y: bottom, width: Math.min(width - 48, 60 * letters), letters },
      title: 'error of a splitter’s angle from π/4, mrad: left bar α (met first), right bar β',
      colour: (share) => signedColour(2 * share - 1),
      ticks: [-1, -0.5, 0, 0.5, 1].map((share) => (share === 0 ? '0' : milliradians(share * largest))),
    }),
  }
}
