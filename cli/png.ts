import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { initWasm, Resvg } from '@resvg/resvg-wasm'

/** The first of `FONT` in pictures/svg.ts. It comes with the package: a machine in a laboratory may have no font at all. */
const FAMILY = 'DejaVu Sans'
const FONT_FILES = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'] as const

/** So many pixels across, at least: pages and slides show pictures about as wide. */
const LEAST_WIDTH_PX = 1600

export type Rasterise = (svg: string) => Uint8Array

/**
 * Makes PNG of SVG, letters included. The same text gives the same bytes on every machine: nothing but what the package
 * brings along is looked at.
 *
 * Units: a pixel of the SVG is a pixel of the PNG, or more where the picture is narrow.
 */
export async function openRasteriser(): Promise<Rasterise> {
  const require = createRequire(import.meta.url)
  const load = async (name: string): Promise<Uint8Array> => new Uint8Array(await readFile(require.resolve(name)))
  engine ??= load('@resvg/resvg-wasm/index_bg.wasm').then(initWasm)
  const [fonts] = await Promise.all([
    Promise.all(FONT_FILES.map((file) => load(`dejavu-fonts-ttf/ttf/${file}`))),
    engine,
  ])
  return (svg) => rasterise(svg, fonts)
}

/** The module may be started once in a process. */
let engine: Promise<void> | undefined

/** With the fonts given, and no other. */
export function rasterise(svg: string, fonts: readonly Uint8Array[]): Uint8Array {
  const width = Number(/^<svg[^>]* width="([\d.]+)"/.exec(svg)?.[1] ?? LEAST_WIDTH_PX)
  const value = Math.max(1, LEAST_WIDTH_PX / width)
  const font = { fontBuffers: fonts, defaultFontFamily: FAMILY }
  const picture = new Resvg(svg, { font, fitTo: { mode: 'zoom', value } })
  try {
    const image = picture.render()
    try {
      return image.asPng()
    } finally {
      image.free()
    }
  } finally {
    picture.free()
  }
}
