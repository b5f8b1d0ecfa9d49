// As TypeScript compiles a module to CommonJS.
Object.defineProperty(exports, '__esModule', { value: true })
/** @type {import('../../src/index.ts').ParallelFunction<string, number, string, number>} */
const triple = ({ key, value }) => ({ key, value: value * 3 })
exports.default = triple
exports.triple = triple
