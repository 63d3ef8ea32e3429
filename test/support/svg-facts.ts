import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pythonHas, runPython } from './python.ts'

/** What another program's XML parser finds in a picture. */
export interface SvgFacts {
  readonly width: number
  readonly height: number
  /** How many elements are of a class. */
  readonly classes: Readonly<Record<string, number>>
  /** How many elements have a fill. */
  readonly fills: Readonly<Record<string, number>>
  /** Outside of nested pictures: where letters begin, and how large they are. */
  readonly texts: readonly { readonly words: string; readonly x: number; readonly y: number; readonly size: number }[]
  /** All letters, nested pictures included. */
  readonly words: readonly string[]
  readonly titles: readonly string[]
}

export const canParseXml = pythonHas('xml.etree.ElementTree')

const SCRIPT = `
import collections, json, sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
svg = '{http://www.w3.org/2000/svg}'
assert root.tag == svg + 'svg', root.tag
nested = {id(each) for inner in root.iter(svg + 'svg') if inner is not root for each in inner.iter()}
everything = list(root.iter())
print(json.dumps({
  'width': float(root.get('width')), 'height': float(root.get('height')),
  'classes': collections.Counter(each.get('class') for each in everything if each.get('class')),
  'fills': collections.Counter(each.get('fill') for each in everything if each.get('fill')),
  'texts': [{'words': each.text, 'x': float(each.get('x')), 'y': float(each.get('y')), 'size': float(each.get('font-size'))}
    for each in root.iter(svg + 'text') if id(each) not in nested],
  'words': [''.join(each.itertext()) for each in root.iter(svg + 'text')],
  'titles': [each.text for each in root.iter(svg + 'title')],
}))
`

/** Throws when the picture is no well-formed XML. */
export async function svgFacts(svg: string): Promise<SvgFacts> {
  const folder = await mkdtemp(join(tmpdir(), 'fringe-svg-'))
  try {
    const file = join(folder, 'picture.svg')
    await writeFile(file, svg)
    return JSON.parse(await runPython(SCRIPT, { modules: ['xml.etree.ElementTree'], args: [file] })) as SvgFacts
  } finally {
    await rm(folder, { recursive: true })
  }
}
