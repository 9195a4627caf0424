// The packages that serve HTTP, in a file of their own in dist: whoever serves nothing never loads them. Nothing of ours is in here.
export { default as swagger } from '@fastify/swagger'
export { default as fastify } from 'fastify'
export { Registry } from 'prom-client'
export { type Static, type TSchema, Type } from 'typebox'
