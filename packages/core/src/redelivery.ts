import { type Static, Type } from '@sinclair/typebox'
import { validate } from 'uuid'

const id = Type.String({ format: 'uuid' })
const total = Type.Integer({ minimum: 0, description: 'Batches that are delivered again.' })

/** The reply of `POST /api/redeliveries`. */
export const NewRedelivery = Type.Object({ id, total }, { $id: 'NewRedelivery' })

/** A redelivery in bulk as `GET /api/redeliveries/{id}` shows it. */
export const Redelivery = Type.Object(
  {
    id,
    total,
    done: Type.Integer({
      minimum: 0,
      description: 'So many of them are due again, or were under way.',
    }),
    state: Type.Union([Type.Literal('running'), Type.Literal('done')]),
    createdAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'Redelivery' },
)
export type Redelivery = Static<typeof Redelivery>

/** Whether a text can be a redelivery's id. */
export const isRedeliveryId = (text: string): boolean => validate(text)
