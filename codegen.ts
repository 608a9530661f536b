import type { CodegenConfig } from '@graphql-codegen/cli';

type Output = NonNullable<CodegenConfig['generates'][string]>;

/** Types for the operations in some files. */
const typesFor = (documents: string): Output => ({
  documents,
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
});

/** Types for the operations that tests and examples send to the API. tools/generate.mjs runs it, and looks where they lie. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  importExtension: '.ts',
  generates: {
    'generated/operations/': typesFor('test/api/operations/**/*.graphql'),
    'generated/examples/': typesFor('examples/**/*.graphql'),
  },
};

export default config;
