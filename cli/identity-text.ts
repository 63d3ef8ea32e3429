import type { Identity } from '../core/instruments.ts'
import { shortened } from './text-table.ts'

const IDENTITY_LETTERS = 50

/** Who an instrument says that it is; nothing where it has not said. */
export function identityText(identity: Identity | null): string {
  if (identity === null) return ''
  const parts = [identity.maker, identity.model, identity.serial].filter((part) => part !== '')
  return shortened(parts.join(' '), IDENTITY_LETTERS)
}
