export {}

throw new Error('there is no such setting')
