import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { findVisaResources } from '../../drivers/transports/visa/find-visa-resources.ts'
import { loadVisaLibrary } from '../../drivers/transports/visa/visa-library.ts'
import { VisaThread } from '../../drivers/transports/visa/visa-thread.ts'
import { VisaTransport } from '../../drivers/transports/visa/visa.ts'
import { buildVisaLibrary, hasCompiler, serveVisa } from '../support/visa/build-library.ts'
import { GPIB, SERIAL, SOCKET, USB, VisaTestBench, forever, visaFolder } from '../support/visa/visa-test-bench.ts'

const NOWHERE = '/nowhere/libvisa.so'

let built: { folder: string; library: string }
beforeAll(async () => {
  if (hasCompiler) built = await visaFolder()
})
afterEach(() => vi.unstubAllEnvs())

describe('A VISA library that is missing', () => {
  test('is said with what to install, which variable names one, and what works without', async () => {
    const opening = VisaTransport.open(`VISA::${GPIB}`, GPIB, { library: NOWHERE }, forever())
    await expect(opening).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringMatching(
        /\/nowhere\/libvisa\.so cannot be loaded.*NI-VISA, Keysight IO Libraries Suite or R&S VISA.*FRINGE_VISA_LIBRARY.*sockets, VXI-11, HiSLIP, USBTMC, serial and Modbus resources do not/,
      ) as string,
      context: { tried: [NOWHERE], reasons: [expect.stringContaining('cannot open shared object file')] },
    })
  })

  test('is told from a library that finds nothing', async () => {
    vi.stubEnv('FRINGE_VISA_LIBRARY', NOWHERE)
    await expect(findVisaResources(forever())).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      context: { tried: [NOWHERE] },
    })
  })

  test('on a machine where none has a usual place, nothing is tried', () => {
    vi.stubEnv('FRINGE_VISA_LIBRARY', '')
    vi.spyOn(process, 'platform', 'get').mockReturnValue('aix')
    expect(() => loadVisaLibrary()).toThrow(/^no VISA library is installed; install NI-VISA/)
    vi.restoreAllMocks()
  })
})

describe.skipIf(!hasCompiler)('A VISA library', () => {
  test('that lacks a function is said to be none, with the name of the function', async () => {
    const library = await buildVisaLibrary(built.folder, { without: 'viUnlock' })
    await expect(findVisaResources(forever(), { library })).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: `${library} is not a VISA library: it has no function viUnlock`,
    })
  })

  test('is the one that the environment names', async () => {
    await using bench = await VisaTestBench.start(built)
    vi.stubEnv('FRINGE_VISA_LIBRARY', bench.library)
    expect(await findVisaResources(forever())).toEqual([GPIB, USB, SERIAL, SOCKET])
  })

  test('finds instruments, and leaves out what is none', async () => {
    await using bench = await VisaTestBench.start(built)
    bench.server.alsoFound.push('GPIB0::INTFC', 'PXI0::MEMACC', 'USB0::0x1::0x2::S::0::RAW')
    const found = await findVisaResources(forever(), { library: bench.library })
    expect(found).toEqual([GPIB, USB, SERIAL, SOCKET, 'USB0::0x1::0x2::S::0::RAW'])
  })

  test('that finds nothing is no failure', async () => {
    await using _ = await serveVisa(built.folder)
    expect(await findVisaResources(forever(), { library: built.library })).toEqual([])
  })

  test('whose search is given up is not waited for', async () => {
    await using bench = await VisaTestBench.start(built)
    const release = bench.server.hold('viFindRsrc')
    const caller = new AbortController()
    const finding = findVisaResources(caller.signal, { library: bench.library })
    await bench.server.until(() => bench.server.made('viFindRsrc') === 1)
    caller.abort(new Error('enough'))
    await expect(finding).rejects.toThrow('enough')
    release()
    await bench.server.until(() => bench.server.made('viClose') === 1)
  })

  test('that cannot start says why', async () => {
    const elsewhere = join(built.folder, 'elsewhere.so')
    await copyFile(built.library, elsewhere)
    const server = await serveVisa(built.folder)
    await server[Symbol.asyncDispose]()
    await expect(findVisaResources(forever(), { library: elsewhere })).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('viFindRsrc failed with 0xBFFF0000: object known') as string,
    })
  })

  test('closes what it opens for a caller who has given up', async () => {
    await using bench = await VisaTestBench.start(built)
    const release = bench.server.hold('viOpen')
    const caller = new AbortController()
    const opening = bench.open(GPIB, { lock: true }, caller.signal)
    await bench.server.until(() => bench.server.made('viOpen') === 1)
    caller.abort(new Error('enough'))
    await expect(opening).rejects.toThrow('enough')
    release()
    await bench.server.until(() => bench.server.made('viClose') === 1)
    await expect(bench.open(GPIB, {}, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
  })
})

describe('The thread of a VISA session', () => {
  const NEVER_ANSWERS = "require('node:worker_threads').parentPort.on('message', () => undefined)"
  const crashing = (code: string): VisaThread =>
    new VisaThread(new Worker(`setImmediate(() => { ${code} })\n${NEVER_ANSWERS}`, { eval: true }), 'VISA::TEST')

  test.each([
    ['throws', "throw new Error('out of order')", /VISA::TEST: the thread .* has ended: out of order/],
    ['ends', 'process.exit(3)', /VISA::TEST: the thread .* has ended$/],
  ])('that %s fails what was asked of it and all that is asked later', async (_how, code, message) => {
    const thread = crashing(code)
    const told: string[] = []
    thread.listen({ onEvent: () => undefined, onEnded: (error) => void told.push(error.code) })
    const lost = { code: 'TRANSPORT_LOST', message: expect.stringMatching(message) as string }
    await expect(thread.request('clear', undefined, forever())).rejects.toMatchObject(lost)
    await expect(thread.request('clear', undefined, forever())).rejects.toMatchObject(lost)
    expect(told).toEqual(['TRANSPORT_LOST'])
    await thread.close()
  })
})
