import { readFile, readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface SerialPortNote {
  readonly path: string
  /** What the adapter says of itself; empty where it says nothing. */
  readonly description: string
}

/** No port: a name without hardware behind it. */
const UNKNOWN_UART = '0'

/**
 * The serial ports of this machine. Opens none of them.
 *
 * On Linux they are read from sysfs: the list of the serial library needs a program (udevadm) that may be missing.
 */
export async function listSerialPorts(root = '/'): Promise<readonly SerialPortNote[]> {
  if (process.platform !== 'linux') return listByLibrary()
  const links = await stableNames(join(root, 'dev/serial/by-id'))
  const names = new Set(await namesIn(join(root, 'sys/class/tty')))
  // Where there is no sysfs, as in some containers, the names alone must do.
  for (const name of await namesIn(join(root, 'dev'))) if (/^tty(USB|ACM)\d+$/.test(name)) names.add(name)
  const ports = await Promise.all([...names].map((name) => describePort(root, name, links)))
  return ports
    .filter((port) => port !== undefined)
    .sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }))
}

async function describePort(
  root: string,
  name: string,
  links: ReadonlyMap<string, string>,
): Promise<SerialPortNote | undefined> {
  const folder = join(root, 'sys/class/tty', name)
  const path = `/dev/${name}`
  const device = await realpath(join(folder, 'device')).catch(() => undefined)
  if (device === undefined) return /^tty(USB|ACM)/.test(name) ? { path, description: links.get(name) ?? '' } : undefined
  if ((await line(join(folder, 'type'))) === UNKNOWN_UART) return undefined
  const adapter = await usbParent(device)
  return { path, description: [adapter, links.get(name)].filter((part) => part !== undefined).join(', ') }
}

/** Maker, product and serial number of the USB device that a port belongs to. */
async function usbParent(device: string): Promise<string | undefined> {
  for (let folder = device; folder !== dirname(folder); folder = dirname(folder)) {
    if ((await line(join(folder, 'idVendor'))) === undefined) continue
    const said = await Promise.all(['manufacturer', 'product', 'serial'].map((file) => line(join(folder, file))))
    return said.filter((part) => part !== undefined).join(' ')
  }
  return undefined
}

/** By device name: the link that stays the same wherever the adapter is plugged in. */
async function stableNames(folder: string): Promise<ReadonlyMap<string, string>> {
  const links = await namesIn(folder)
  const targets = await Promise.all(links.map((link) => realpath(join(folder, link)).catch(() => undefined)))
  return new Map(
    links.flatMap((link, index) => {
      const target = targets[index]
      return target === undefined ? [] : [[target.slice(target.lastIndexOf('/') + 1), `/dev/serial/by-id/${link}`]]
    }),
  )
}

async function listByLibrary(): Promise<readonly SerialPortNote[]> {
  const { SerialPort } = await import('serialport')
  const ports = await SerialPort.list()
  return ports.map(({ path, manufacturer, serialNumber }) => ({
    path,
    description: [manufacturer, serialNumber].filter((part) => part !== undefined).join(' '),
  }))
}

const namesIn = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => [])

const line = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )
