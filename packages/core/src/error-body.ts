import { Type } from '@sinclair/typebox'
import { callErrorCodes } from './call-errors.ts'

/** The body of every reply that is an error. */
export const ErrorBody = Type.Object(
  {
    error: Type.String({ description: 'What is wrong and what to do, for a person.' }),
    code: Type.Union(
      callErrorCodes.map((code) => Type.Literal(code)),
      { description: 'What is wrong, for a program.' },
    ),
  },
  { $id: 'ErrorBody' },
)
