# Shell functions of the runbooks in docs/OPERATIONS.md, for bash and zsh. Set STACK, then source this file.
: "${STACK:?Set STACK to the name of the stack, such as configsvc-prod.}"

# output NAME: print an output of the stack.
output() {
  aws cloudformation describe-stacks --stack-name "$STACK" \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" --output text
}

# resource LOGICAL_ID: print the name or id of a resource of the stack.
resource() {
  aws cloudformation describe-stack-resource --stack-name "$STACK" --logical-resource-id "$1" \
    --query StackResourceDetail.PhysicalResourceId --output text
}

# saved_query NAME [PLACEHOLDER=VALUE ...]: run a saved query of the stack over the last HOURS hours (24), a row a line.
saved_query() (
  named="queryDefinitions[?name=='$STACK/$1'] | [0]"
  group=$(aws logs describe-query-definitions --query-definition-name-prefix "$STACK/$1" \
    --query "$named.logGroupNames[0]" --output text) || exit
  text=$(aws logs describe-query-definitions --query-definition-name-prefix "$STACK/$1" \
    --query "$named.queryString" --output text) || exit
  shift
  for pair in "$@"; do
    text=$(printf %s "$text" | sed "s|${pair%%=*}|${pair#*=}|g")
  done
  now=$(date +%s)
  id=$(aws logs start-query --log-group-name "$group" --start-time "$((now - ${HOURS:-24} * 3600))" \
    --end-time "$((now + 60))" --query-string "$text" --query queryId --output text) || exit
  while sleep 1; do
    state=$(aws logs get-query-results --query-id "$id" --query status --output text) || exit
    case $state in Running | Scheduled) ;; *) break ;; esac
  done
  aws logs get-query-results --query-id "$id" --output text \
    --query "results[*].join('  ', [?field!='@ptr'].join('=', [field, value]))" | tr '\t' '\n'
)
