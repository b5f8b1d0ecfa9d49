import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * The first of these that can be run: the one that somebody has named, one of these names in the folders of PATH, or what may lie elsewhere.
 * @param {object} where
 * @param {string | undefined} where.named
 * @param {readonly string[]} where.names
 * @param {string | undefined} where.path
 * @param {readonly string[]} [where.elsewhere]
 * @returns {string | undefined}
 */
export function findProgram({ named, names, path = '', elsewhere = [] }) {
  const places = path.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)))
  return [...(named === undefined ? [] : [named]), ...places, ...elsewhere].find(isProgram)
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
