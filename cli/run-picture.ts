import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import type { Rasterise } from './png.ts'

export type PictureFormat = 'svg' | 'png'

/** One picture of a run, as text. Its file is named after what it shows. */
export interface RunPicture {
  readonly kind:
    'mesh' | 'splitters' | 'fringes' | 'crosstalk' | 'residuals' | 'spectrum' | 'errors' | 'power' | 'energy'
  /** What it shows, in a sentence or two, for a page that it stands on. */
  readonly says: string
  readonly svg: string
}

/** One picture that was written. */
export interface Plot {
  readonly kind: RunPicture['kind']
  readonly file: string
}

/** Files for a folder that somebody named. */
export interface WrittenFolder {
  readonly folder: string
  /** The option that names the folder. */
  readonly option: '--plot' | '--report'
}

export const fileOf = ({ kind }: Pick<RunPicture, 'kind'>, format: PictureFormat): string => `${kind}.${format}`

/**
 * Puts pictures into a folder, which is made when it is not there; files of the same names are replaced.
 *
 * Throws: CALL_INVALID when the folder cannot be written to.
 */
export async function writePictures(
  pictures: readonly RunPicture[],
  into: WrittenFolder,
  format: PictureFormat,
): Promise<readonly Plot[]> {
  const bytesOf = format === 'svg' ? (svg: string): string => svg : await rasteriser()
  const files = pictures.map((picture) => ({
    kind: picture.kind,
    name: fileOf(picture, format),
    bytes: bytesOf(picture.svg),
  }))
  await writing(into, async () => {
    await makeFolder(into.folder)
    for (const { name, bytes } of files) await writeFile(join(into.folder, name), bytes)
  })
  return files.map(({ kind, name }) => ({ kind, file: join(into.folder, name) }))
}

/** What makes PNG is large, and loaded by those who want some. */
async function rasteriser(): Promise<Rasterise> {
  const { openRasteriser } = await import('./png.ts')
  return await openRasteriser()
}

/** Throws: CALL_INVALID instead of what the file system says. */
export async function writing({ folder, option }: WrittenFolder, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    const what = option === '--plot' ? 'no pictures' : 'no report'
    const message = `${what} can be written to ${folder} (${(cause as Error).message}): give another folder to ${option}`
    throw new BenchError('CALL_INVALID', message, { cause, context: { folder } })
  }
}

/** Parents too, one by one: Node's own recursive `mkdir` never returns under /proc. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT') throw error
    await makeFolder(dirname(folder))
    await mkdir(folder)
  }
}
