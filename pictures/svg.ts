/** What an attribute may be; undefined leaves it out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>

/** Seen on every system; the first is what Debian draws with. */
export const FONT = "'DejaVu Sans', Verdana, Arial, sans-serif"
export const INK = '#22262b'
export const FAINT = '#6b7280'

/** One element of SVG as text. What stands inside is SVG already: letters go through `text`. */
export function element(name: string, attributes: Attributes, ...inside: readonly string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? short(value) : escaped(value!)}"`)
    .join('')
  return inside.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${inside.join('')}</${name}>`
}

export function text(x: number, y: number, size: number, words: string, attributes: Attributes = {}): string {
  return element('text', { x, y, 'font-size': size, fill: INK, ...attributes }, escaped(words))
}

/** A whole picture on a white ground. Units: pixels. */
export function svgDocument(width: number, height: number, title: string, content: readonly string[]): string {
  const root = {
    xmlns: 'http://www.w3.org/2000/svg',
    width,
    height,
    viewBox: `0 0 ${short(width)} ${short(height)}`,
    'font-family': FONT,
  }
  const ground = element('rect', { width, height, fill: '#ffffff' })
  return `${element('svg', root, element('title', {}, escaped(title)), ground, '\n', content.join('\n'), '\n')}\n`
}

export function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** A hundredth of a pixel is finer than any screen. */
const short = (value: number): string => String(Math.round(value * 100) / 100)
