import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connectReal } from '../../bench/connect-real.ts'
import { leaseFolder, takeLease } from '../../bench/lease.ts'
import { parseResource } from '../../bench/resource.ts'
import { identityOf } from '../../core/process-identity.ts'
import { serveTcp } from '../../sim/ports/tcp-server.ts'
import { TestInstrument } from '../support/wire-instruments.ts'

const { signal } = new AbortController()
const LOADER = join(import.meta.dirname, '..', 'support', 'typescript-loader.mjs')
let base: string
let folder: string
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'fringe-lease-'))
})
beforeEach(async () => {
  folder = await mkdtemp(join(base, 'leases-'))
})
afterAll(() => rm(base, { recursive: true, force: true }))

const take = (name: string): Promise<AsyncDisposable> => takeLease(parseResource(name), signal, folder)
const SOCKET = 'TCPIP::10.0.0.5::5025::SOCKET'
const lockedBy = (who: RegExp) => ({ code: 'TRANSPORT_LOCKED', message: expect.stringMatching(who) as string })

/** Another process that wants the same, says what came of it, and holds on until it is killed. */
function rival(name: string): { readonly said: Promise<string>; readonly kill: () => Promise<void>; pid: number } {
  const script = `
    import { takeLease } from ${JSON.stringify(join(import.meta.dirname, '../../bench/lease.ts'))}
    import { parseResource } from ${JSON.stringify(join(import.meta.dirname, '../../bench/resource.ts'))}
    await new Promise((resolve) => process.stdin.once('data', resolve))
    try {
      await takeLease(parseResource(${JSON.stringify(name)}), new AbortController().signal, ${JSON.stringify(folder)})
      console.log('held')
    } catch (error) {
      console.log(error.code)
    }
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--import', LOADER, '--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const said = once(child.stdout.setEncoding('utf8'), 'data').then(([text]) => String(text).trim())
  child.stdin.write('go\n')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  return { said, kill, pid: child.pid! }
}

describe('A lease on a wire', () => {
  test('is held by one, and free again once let go', async () => {
    {
      await using _held = await take(SOCKET)
      await expect(take(SOCKET)).rejects.toMatchObject(lockedBy(/^TCPIP::10\.0\.0\.5.* is held by this process itself/))
    }
    await using _again = await take(SOCKET)
  })

  test('leaves no file behind', async () => {
    const lease = await take(SOCKET)
    expect(await readdir(folder)).not.toEqual([])
    await lease[Symbol.asyncDispose]()
    await lease[Symbol.asyncDispose]()
    expect(await readdir(folder)).toEqual([])
  })

  test.each([
    ['TCPIP::Meter.local::5025::SOCKET', 'tcpip0::meter.LOCAL::5025::socket'],
    ['TCPIP::10.0.0.5::inst0::INSTR', 'TCPIP1::10.0.0.5::INST0::INSTR'],
    ['TCPIP::10.0.0.5::inst0::INSTR', 'VISA::TCPIP0::10.0.0.5::inst0::INSTR'],
    ['GPIB0::12::INSTR', 'VISA::gpib0::12::INSTR'],
    ['ASRL/dev/null::INSTR', 'MODBUS::/dev/null::9600-8E1::7'],
    ['ASRL/dev/null::INSTR', 'ASRL/dev/null::115200-8N1::INSTR'],
  ])('is one for %s and %s', async (first, second) => {
    await using _held = await take(first)
    await expect(take(second)).rejects.toMatchObject(
      lockedBy(new RegExp(`as ${first.replaceAll(/[.*]/g, '\\$&')} since`)),
    )
  })

  test('is one for a serial port and every link to it', async () => {
    const link = join(base, 'shifters')
    await symlink('/dev/null', link)
    await using _held = await take(`ASRL${link}::INSTR`)
    await expect(take('ASRL/dev/null::INSTR')).rejects.toMatchObject({ code: 'TRANSPORT_LOCKED' })
  })

  test.each([
    ['TCPIP::10.0.0.5::5025::SOCKET', 'TCPIP::10.0.0.5::5026::SOCKET'],
    ['MODBUS::10.0.0.7::502::1', 'MODBUS::10.0.0.7::502::2'],
    ['TCPIP::10.0.0.5::gpib0,1::INSTR', 'TCPIP::10.0.0.5::gpib0,2::INSTR'],
  ])('is not one for %s and %s', async (first, second) => {
    await using _first = await take(first)
    await using _second = await take(second)
  })

  test('of another process is respected, named, and taken over once that process was killed', async () => {
    const other = rival(SOCKET)
    expect(await other.said).toBe('held')
    await expect(take(SOCKET)).rejects.toMatchObject(lockedBy(new RegExp(`held by process ${other.pid} \\(`)))
    await other.kill()
    expect(await readdir(folder)).not.toEqual([])
    const lease = await take(SOCKET)
    await lease[Symbol.asyncDispose]()
    expect(await readdir(folder)).toEqual([])
  })

  test('of a process whose number belongs to another one now counts for nothing', async () => {
    await using _held = await take(SOCKET)
    const [claim] = (await readdir(folder)).filter((file) => file.endsWith('.claim'))
    const path = join(folder, claim!)
    const holder = JSON.parse(await readFile(path, 'utf8')) as { process: object }
    // This process is alive, and began at another time than the file says.
    await writeFile(path, JSON.stringify({ ...holder, process: { ...identityOf(process.pid), start: '1' } }))
    await using _taken = await take(SOCKET)
  })

  test('that cannot be read is not taken over: a person has to look', async () => {
    await using _held = await take(SOCKET)
    const [claim] = (await readdir(folder)).filter((file) => file.endsWith('.claim'))
    await writeFile(join(folder, claim!), '{"resource":')
    await expect(take(SOCKET)).rejects.toMatchObject(lockedBy(/cannot be read; delete it if no other Fringe runs$/))
  })

  test('goes to exactly one of many that come in the same moment', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => take(SOCKET)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const rivals = Array.from({ length: 3 }, () => rival('TCPIP::10.0.0.6::5025::SOCKET'))
    const said = await Promise.all(rivals.map((one) => one.said))
    expect(said.sort()).toEqual(['TRANSPORT_LOCKED', 'TRANSPORT_LOCKED', 'held'])
    await Promise.all(rivals.map((one) => one.kill()))
  })

  test('is refused where no file can be written, with the reason', async () => {
    const taking = takeLease(parseResource(SOCKET), signal, '/dev/null/leases')
    await expect(taking).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('/dev/null/leases') as string,
    })
  })

  test('lies in a folder of the user’s own', () => {
    expect(leaseFolder()).toBe(join(process.env['XDG_RUNTIME_DIR']!, 'fringe', 'leases'))
  })
})

describe('A wire that is opened for real', () => {
  test('is held until it is closed, and let go where it could not be opened', async () => {
    const connect = connectReal()
    const server = await serveTcp(new TestInstrument())
    const resource = parseResource(`TCPIP::127.0.0.1::${server.port}::SOCKET`)
    const open = () => connect('meter', resource, undefined, signal)
    const wire = await open()
    await expect(open()).rejects.toMatchObject({ code: 'TRANSPORT_LOCKED' })
    await wire.transport[Symbol.asyncDispose]()
    const again = await open()
    await again.transport[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    await expect(open()).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    await expect(open()).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
  })
})
