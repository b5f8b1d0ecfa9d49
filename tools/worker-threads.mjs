/**
 * The environment for a program of ours. libuv's pool of four threads is shared by fetching, flushing, committing and LevelDB; its size
 * is fixed when a process starts.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function withWorkerThreads(env) {
  const size = Number(env['UV_THREADPOOL_SIZE'] ?? 0)
  return { ...env, UV_THREADPOOL_SIZE: String(Math.max(8, Number.isFinite(size) ? size : 0)) }
}
