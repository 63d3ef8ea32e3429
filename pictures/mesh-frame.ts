import { captionHeight, drawCaption } from './caption.ts'
import type { Caption } from './caption.ts'
import { powerColour } from './colours.ts'
import { element, svgDocument, text } from './svg.ts'

/** One interferometer at its place: waveguides `top` and `top + 1` meet in `column`; light passes column 0 first. */
export interface MeshDevice {
  readonly column: number
  readonly top: number
  /** It sits on the waveguide `top` alone: an attenuator. */
  readonly single: boolean
}

/** A part of the core, from where light enters it to where it leaves. */
export interface MeshSection<Device extends MeshDevice> {
  readonly name: string
  readonly columns: number
  readonly devices: readonly Device[]
  /** [column][waveguide]: share of all light before each column, and behind the last. Without it waveguides are grey. */
  readonly powers?: readonly ArrayLike<number>[]
}

export interface MeshPicture<Device extends MeshDevice> {
  readonly caption: Caption
  /** How many waveguides. */
  readonly size: number
  /** In the order in which light meets them. */
  readonly sections: readonly MeshSection<Device>[]
}

/** Where things go. Units: pixels. */
export interface MeshFrame {
  readonly width: number
  readonly rowPitch: number
  /** Letters of captions and legends; as large as the picture is wide, so that they are read when it is shrunk. */
  readonly letters: number
  /** There is room for a number in every device. */
  readonly detailed: boolean
  readonly pill: number
  readonly body: number
  /** Y of a waveguide. */
  rowY(waveguide: number): number
  /** Left edge of the pill before a device, and of its body. */
  pillX(section: number, column: number): number
  bodyX(section: number, column: number): number
  /** Left edge of a section; of the one behind the last: its right edge. */
  sectionX(section: number): number
  /** Under the waveguides, where a legend begins. */
  readonly bottom: number
}

const MARGIN = 24
const LEAST_WIDTH = 900
/** Up to so many waveguides every device carries its numbers. */
const DETAILED_SIZE = 8
const GREY = '#b8bec7'

export function meshFrame<Device extends MeshDevice>({ size, sections, caption }: MeshPicture<Device>): MeshFrame {
  const detailed = size <= DETAILED_SIZE
  const rowPitch = detailed ? 50 : Math.max(14, Math.min(34, 700 / size))
  const pill = detailed ? 40 : 0.44 * rowPitch
  const body = detailed ? 44 : 0.66 * rowPitch
  const gap = detailed ? 12 : 0.28 * rowPitch
  const columnPitch = pill + body + 3 * gap
  const between = detailed ? 16 : rowPitch
  const columns = sections.reduce((sum, section) => sum + section.columns, 0)
  const core = columns * columnPitch + sections.length * between
  const portRoom = 3 * Math.max(13, rowPitch)
  const width = Math.max(LEAST_WIDTH, core + 2 * (MARGIN + portRoom))
  const letters = Math.max(13, width / 120)
  const left = (width - core) / 2
  const captionBottom = MARGIN + captionHeight(caption, width - 2 * MARGIN, letters)
  const top = captionBottom + 3.2 * letters + rowPitch / 2
  const sectionX = (section: number): number => {
    const before = sections.slice(0, section)
    return left + before.reduce((sum, { columns }) => sum + columns * columnPitch + between, 0)
  }
  const pillX = (section: number, column: number): number =>
    sectionX(section) + between / 2 + column * columnPitch + gap
  return {
    ...{ width, rowPitch, letters, detailed, pill, body, sectionX, pillX },
    rowY: (waveguide) => top + waveguide * rowPitch,
    bodyX: (section, column) => pillX(section, column) + pill + gap,
    bottom: top + (size - 1) * rowPitch + rowPitch / 2 + 1.6 * letters,
  }
}

/** The core with what `device` draws at each place, captions over it and a legend under it. */
export function drawMesh<Device extends MeshDevice>(
  picture: MeshPicture<Device>,
  frame: MeshFrame,
  device: (device: Device, section: number) => string,
  legend: { readonly height: number; readonly drawn: readonly string[] },
): string {
  const { caption, sections } = picture
  const { width, letters } = frame
  return svgDocument(width, frame.bottom + legend.height + MARGIN, caption.heading, [
    ...drawCaption(caption, MARGIN, MARGIN, width - 2 * MARGIN, letters),
    ...sectionNames(picture, frame),
    element('g', { class: 'waveguides', fill: 'none' }, ...waveguides(picture, frame)),
    ...portNumbers(picture, frame),
    ...sections.map(({ name, devices }, section) =>
      element('g', { class: 'section', id: name }, ...devices.map((each) => device(each, section))),
    ),
    ...legend.drawn,
  ])
}

function sectionNames<Device extends MeshDevice>({ sections }: MeshPicture<Device>, frame: MeshFrame): string[] {
  const y = frame.rowY(0) - frame.rowPitch / 2 - 0.9 * frame.letters
  return sections.map(({ name }, section) => {
    const middle = (frame.sectionX(section) + frame.sectionX(section + 1)) / 2
    return text(middle, y, 1.25 * frame.letters, name, { 'text-anchor': 'middle', 'font-weight': 'bold' })
  })
}

function portNumbers<Device extends MeshDevice>({ size, sections }: MeshPicture<Device>, frame: MeshFrame): string[] {
  const fontSize = Math.min(frame.letters, 0.85 * frame.rowPitch)
  const [left, right] = [frame.sectionX(0) - 6, frame.sectionX(sections.length) + 6]
  return Array.from({ length: size }, (_, port) => port).flatMap((port) => {
    const y = frame.rowY(port) + 0.36 * fontSize
    return [
      text(left, y, fontSize, String(port), { 'text-anchor': 'end' }),
      text(right, y, fontSize, String(port), { 'text-anchor': 'start' }),
    ]
  })
}

/** The largest share of the light in any waveguide. */
export function largestPower<Device extends MeshDevice>(sections: readonly MeshSection<Device>[]): number {
  let largest = 0
  for (const { powers = [] } of sections)
    for (const shares of powers) for (let i = 0; i < shares.length; i++) largest = Math.max(largest, shares[i]!)
  return largest
}

const waveguideWidth = (share: number, rowPitch: number): number => (0.03 + 0.17 * share) * rowPitch

/** Between one device and the next the power is the same: one line. */
function waveguides<Device extends MeshDevice>(picture: MeshPicture<Device>, frame: MeshFrame): string[] {
  const { size, sections } = picture
  const largest = largestPower(sections)
  const lines: string[] = []
  const line = (x1: number, x2: number, waveguide: number, power: number | undefined): void => {
    const share = power === undefined || largest === 0 ? 0 : power / largest
    const y = frame.rowY(waveguide)
    const stroke = power === undefined ? GREY : powerColour(share)
    lines.push(element('line', { x1, y1: y, x2, y2: y, stroke, 'stroke-width': waveguideWidth(share, frame.rowPitch) }))
  }
  for (const [index, { columns, devices, powers }] of sections.entries()) {
    const occupied = new Set(
      devices.flatMap(({ column, top, single }) =>
        single ? [column * size + top] : [column * size + top, column * size + top + 1],
      ),
    )
    for (let waveguide = 0; waveguide < size; waveguide++) {
      let from = frame.sectionX(index)
      for (let column = 0; column < columns; column++) {
        if (!occupied.has(column * size + waveguide)) continue
        line(from, frame.bodyX(index, column), waveguide, powers?.[column]?.[waveguide])
        from = frame.bodyX(index, column) + frame.body
      }
      line(from, frame.sectionX(index + 1), waveguide, powers?.[columns]?.[waveguide])
    }
  }
  return lines
}
