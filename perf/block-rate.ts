import { scpiBlockMessage, scpiBlockReply } from '../drivers/protocols/scpi.ts'
import { ScpiSession } from '../drivers/transports/scpi-session.ts'
import { TcpTransport } from '../drivers/transports/tcp.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { serveInstruments } from './served.ts'

const BLOCK_BYTES = 2 ** 20
const BLOCKS = 100
const ROUNDS = 7
const DOWNLOAD = `TRAC1:DATA:BLOC? 1,0,${BLOCK_BYTES}`

/** Blocks of 1 MiB to and from the simulated generator's memory, over a loopback socket, each confirmed. */
export async function blockRate(): Promise<readonly Figure[]> {
  using served = await serveInstruments()
  const { signal } = new AbortController()
  const { generator } = served.places
  const resource = `TCPIP::127.0.0.1::${generator}::SOCKET`
  const transport = await TcpTransport.open(resource, '127.0.0.1', generator, signal)
  await using session = new ScpiSession({ name: 'generator', transport }, 10_000)

  const written = Buffer.alloc(BLOCK_BYTES, 'light')
  // As the driver does: one message, filled again once the one before is confirmed.
  const block = scpiBlockMessage(':TRAC1:DATA 1,0,', BLOCK_BYTES)
  await session.tell(`TRAC1:DEF 1,${BLOCK_BYTES}`, signal)
  const upload = async (): Promise<void> => {
    block.payload.set(written)
    await session.tell(block.message, signal)
    await session.ask('*OPC?', signal)
  }
  const download = (decode: (payload: Uint8Array) => unknown = () => undefined): Promise<unknown> =>
    session.askFramed(DOWNLOAD, scpiBlockReply(decode), signal)

  const rates: Record<'upload' | 'download', number[]> = { upload: [], download: [] }
  await mbPerS(upload)
  await mbPerS(download)
  for (let round = 0; round < ROUNDS; round++) {
    rates.upload.push(await mbPerS(upload))
    rates.download.push(await mbPerS(download))
  }
  const isWritten = await download((payload) => Buffer.compare(payload, written) === 0)
  if (isWritten !== true) throw new Error('the block did not come back as it was sent')
  const [uploadCopies, downloadCopies] = [await copies(upload), await copies(download)]
  const against = 'raw SCPI socket, loopback, simulated M8195A in another process; median of rounds'
  const counted = 'the one out of or into the kernel, and all copies between arrays of this process'
  return [
    figure({ name: 'upload', value: median(rates.upload), unit: 'MB/s', better: 'higher', goal: 500, against }),
    figure({ name: 'download', value: median(rates.download), unit: 'MB/s', better: 'higher', goal: 500, against }),
    figure({ name: 'copies, upload', value: uploadCopies, unit: 'copies', better: 'lower', goal: 2, against: counted }),
    figure({
      name: 'copies, download',
      value: downloadCopies,
      unit: 'copies',
      better: 'lower',
      goal: 2,
      against: counted,
    }),
  ]
}

async function mbPerS(transfer: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  for (let block = 0; block < BLOCKS; block++) await transfer()
  return (BLOCKS * BLOCK_BYTES) / 1e6 / ((performance.now() - start) / 1e3)
}

/** How often each byte of a block is copied, on average: every way to copy bytes in this process is counted. */
async function copies(transfer: () => Promise<unknown>): Promise<number> {
  const array: Uint8Array = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array
  const set = Reflect.get(array, 'set')
  const slice = Reflect.get(array, 'slice')
  let copied = 0
  array.set = function (this: Uint8Array, source, offset) {
    copied += source.length
    Reflect.apply(set, this, [source, offset])
  }
  array.slice = function (this: Uint8Array, start, end) {
    const cut = Reflect.apply(slice, this, [start, end])
    copied += cut.length
    return cut
  }
  try {
    for (let block = 0; block < BLOCKS; block++) await transfer()
  } finally {
    array.set = set
    array.slice = slice
  }
  // Commands and headers are copied, too.
  return Math.round(100 * (1 + copied / (BLOCKS * BLOCK_BYTES))) / 100
}
