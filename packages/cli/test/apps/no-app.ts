export const app = 'not the default export'
