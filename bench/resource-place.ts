import { isBenchError } from '../core/errors.ts'
import { parseResource } from './resource.ts'
import type { Resource } from './resource.ts'

/** What two instruments cannot share. */
export function placeOf(resource: Resource): string {
  switch (resource.wire) {
    case 'serial':
    case 'modbus-serial':
      return resource.path
    case 'socket':
    case 'modbus-tcp':
    case 'http':
      return `${resource.host.toLowerCase()}:${resource.port}`
    case 'vxi11':
    case 'hislip':
      // One address may be the gateway to many instruments.
      return `${resource.host.toLowerCase()}:${resource.port ?? resource.wire} ${resource.device.toLowerCase()}`
    case 'usbtmc':
      return resource.path ?? Object.values(resource.usb ?? {}).join(' ')
    case 'visa':
      return placeInVisa(resource.name)
  }
}

/** What only one session may have open. A Modbus TCP gateway keeps its units apart, with one connection for each. */
export function wireKey(resource: Resource): string {
  const place = placeOf(resource)
  return resource.wire === 'modbus-tcp' ? `${place}:${resource.unit}` : place
}

/** Where the library's name is one of ours, too, it is the same place. Boards and case mean nothing. */
function placeInVisa(name: string): string {
  try {
    const ours = parseResource(name)
    return ours.wire === 'visa' ? name.toUpperCase() : placeOf(ours)
  } catch (error) {
    // The library may know names that we do not.
    if (isBenchError(error, 'BENCH_FILE_INVALID')) return name.toUpperCase()
    throw error
  }
}
