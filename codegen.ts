import type { CodegenConfig } from '@graphql-codegen/cli';

/** Types for the operations that tests send to the API. tools/generate.mjs runs it, and looks where `documents` does. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: ['test/api/operations/**/*.graphql'],
  importExtension: '.ts',
  generates: {
    'generated/operations/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        enumType: 'string-literal',
        useTypeImports: true,
        strictScalars: true,
        scalars: {
          Currency: 'string',
          DateTime: 'string',
          ID: 'string',
          JSONObject: 'Record<string, unknown>',
          SafeInt: 'number',
        },
      },
    },
  },
};

export default config;
