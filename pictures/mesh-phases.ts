import { phaseColour, powerColour, wrapped } from './colours.ts'
import { drawMesh, largestPower, meshFrame } from './mesh-frame.ts'
import type { MeshDevice, MeshFrame, MeshPicture } from './mesh-frame.ts'
import { colourScale } from './scales.ts'
import { element, escaped, INK, text } from './svg.ts'

export interface PhasedDevice extends MeshDevice {
  /** Of the phase shifter between the splitters, and of the one on the upper waveguide before them. */
  readonly thetaRad: number
  readonly phiRad: number
}

/** A mesh with its phases, as colours of a circle, and with the light in its waveguides. */
export function meshPhasesPicture(picture: MeshPicture<PhasedDevice>): string {
  const frame = meshFrame(picture)
  const device = (each: PhasedDevice, section: number): string =>
    phasedDevice(each, section, picture.sections[section]!.name, frame)
  return drawMesh(picture, frame, device, phasesLegend(picture, frame))
}

function phasedDevice(device: PhasedDevice, section: number, name: string, frame: MeshFrame): string {
  const { column, top, single } = device
  const [theta, phi] = [wrapped(device.thetaRad), wrapped(device.phiRad)]
  const { rowPitch, pill, body, detailed } = frame
  const [pillX, bodyX, y] = [frame.pillX(section, column), frame.bodyX(section, column), frame.rowY(top)]
  const pillHeight = detailed ? 22 : pill
  const outline = { stroke: INK, 'stroke-width': 0.02 * rowPitch }
  const height = (single ? 0 : rowPitch) + 0.56 * rowPitch
  const where = single ? `waveguide ${top}` : `column ${column}, waveguides ${top} and ${top + 1}`
  return element(
    'g',
    { class: single ? 'attenuator' : 'mzi' },
    element('title', {}, escaped(`${name}, ${where}: θ ${theta.toFixed(4)} rad, φ ${phi.toFixed(4)} rad`)),
    element('rect', {
      ...{ x: pillX, y: y - pillHeight / 2, width: pill, height: pillHeight, rx: pillHeight / 2 },
      ...{ fill: phaseColour(phi), ...outline },
    }),
    element('rect', {
      ...{ x: bodyX, y: y - 0.28 * rowPitch, width: body, height, rx: 0.12 * rowPitch },
      ...{ fill: phaseColour(theta), ...outline },
    }),
    ...(detailed
      ? [inside(pillX + pill / 2, y, phi), inside(bodyX + body / 2, y - 0.28 * rowPitch + height / 2, theta)]
      : []),
  )
}

/** In units of π. */
const inside = (x: number, y: number, phaseRad: number): string =>
  text(x, y + 4.5, 12.5, `${(phaseRad / Math.PI).toFixed(2)}π`, { 'text-anchor': 'middle' })

function phasesLegend(
  { sections }: MeshPicture<PhasedDevice>,
  { bottom, letters, width }: MeshFrame,
): { height: number; drawn: readonly string[] } {
  const largest = largestPower(sections)
  const half = (width - 3 * 24) / 2
  const percent = (share: number): string => (share === 0 ? '0' : `${(100 * share * largest).toPrecision(3)} %`)
  return {
    height: 5 * letters,
    drawn: [
      ...colourScale({
        ...{ x: 24, y: bottom, width: half, letters },
        title: 'phase modulo 2π: circle on the upper waveguide φ, box θ',
        colour: (share) => phaseColour(2 * Math.PI * share),
        ticks: ['0', 'π/2', 'π', '3π/2', '2π'],
      }),
      ...colourScale({
        ...{ x: 48 + half, y: bottom, width: half, letters },
        title: 'power in a waveguide, of all light at the inputs',
        colour: powerColour,
        height: (share) => letters * (0.15 + 0.85 * share),
        ticks: [0, 0.25, 0.5, 0.75, 1].map(percent),
      }),
    ],
  }
}
