import { readFile, readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface UsbtmcNote {
  /** `/dev/usbtmc0`. */
  readonly path: string
  readonly vendor: number
  readonly product: number
  /** Empty where the device has none. */
  readonly serial: string
  /** What the device says of itself; empty where it says nothing. */
  readonly description: string
}

/**
 * USB test and measurement devices that have a device file, from sysfs. Opens none of them.
 *
 * Source: Linux kernel, Documentation/ABI/testing/sysfs-bus-usb and drivers/usb/class/usbtmc.c (class `usbmisc`).
 */
export async function listUsbtmcDevices(root = '/'): Promise<readonly UsbtmcNote[]> {
  const folder = join(root, 'sys/class/usbmisc')
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^usbtmc\d+$/.test(name)).sort()
  const notes = await Promise.all(names.map((name) => describe(join(folder, name), `/dev/${name}`)))
  return notes.filter((note) => note !== undefined)
}

async function describe(folder: string, path: string): Promise<UsbtmcNote | undefined> {
  // The device file belongs to an interface; who it is stands at the device above.
  const device = await realpath(join(folder, 'device')).then(dirname, () => undefined)
  if (device === undefined) return undefined
  const read = (file: string): Promise<string> =>
    readFile(join(device, file), 'utf8').then(
      (text) => text.trim(),
      () => '',
    )
  const [vendor, product, serial, maker, model] = await Promise.all(
    ['idVendor', 'idProduct', 'serial', 'manufacturer', 'product'].map(read),
  )
  if (!/^[0-9a-f]{4}$/i.test(vendor!) || !/^[0-9a-f]{4}$/i.test(product!)) return undefined
  return {
    path,
    vendor: Number.parseInt(vendor!, 16),
    product: Number.parseInt(product!, 16),
    serial: serial!,
    description: [maker, model].filter((part) => part !== '').join(' '),
  }
}
