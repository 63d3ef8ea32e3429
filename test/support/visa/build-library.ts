import { execFile, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { VisaServer } from './visa-server.ts'

const SOURCE = fileURLToPath(new URL('libvisa.c', import.meta.url))

/** The test library is made of C, for which not every machine has a compiler. */
export const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0

/** Compiles the test library into a folder, for the server whose port is written beside it. */
export async function buildVisaLibrary(
  folder: string,
  { without }: { readonly without?: 'viUnlock' } = {},
): Promise<string> {
  const library = join(folder, without === undefined ? 'libvisa.so' : `libvisa-without-${without}.so`)
  const defines = [`-DPORT_FILE="${portFile(folder)}"`, ...(without === undefined ? [] : ['-DWITHOUT_UNLOCK'])]
  await promisify(execFile)('cc', ['-Wall', '-Werror', '-shared', '-fPIC', ...defines, '-o', library, SOURCE])
  return library
}

/** A server that the library in that folder finds. */
export async function serveVisa(folder: string): Promise<VisaServer> {
  const server = await VisaServer.listen()
  await writeFile(portFile(folder), String(server.port))
  return server
}

const portFile = (folder: string): string => join(folder, 'port')
