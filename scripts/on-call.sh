# Shell functions of the runbooks in docs/OPERATIONS.md, for bash and zsh. Set STACK, then source this file.
: "${STACK:?Set STACK to the name of the stack, such as configsvc-prod.}"

# A pager would take the lines that are pasted after a long answer.
export AWS_PAGER=

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

# saved_query NAME [PLACEHOLDER=VALUE ...]: run a saved query of the stack over the last HOURS hours (24). Each row is a
# line of members, separated by tabs; a value is quoted as in JSON, because callers choose some of them.
saved_query() (
  fail() { printf '%s\n' "$*" >&2 && exit 1; }
  tab=$(printf '\t')
  case ${HOURS:=24} in 0* | *[!0-9]*) fail "HOURS is not a number of hours: $HOURS" ;; esac
  found=$(aws logs describe-query-definitions --query-definition-name-prefix "$STACK/" --output text \
    --query "queryDefinitions[?name=='$STACK/${1-}'].[logGroupNames[0], queryString] | [0]") || exit
  [ "$found" != None ] || fail "The stack $STACK has no saved query named '${1-}'. Its queries are in docs/OPERATIONS.md," \
    "\"Ask the logs\"; those of the access log need access_log in the stage file."
  group=${found%%"$tab"*} text=${found#*"$tab"}
  shift
  for pair in "$@"; do
    name=${pair%%=*} value=${pair#*=}
    case $value in '' | *[!A-Za-z0-9._:/=+@-]*) fail "Give $name a value without spaces and quotes, not '$value'." ;; esac
    case $name in
      NAMESPACE) value=$(printf %s "$value" | sed 's/[.]/[.]/g') ;; # it is part of a regular expression
      API_KEY_ID) value=${value#api-key:} ;;
    esac
    case $name=$text in
      NAMESPACE=*NAMESPACE* | API_KEY_ID=*API_KEY_ID* | CORRELATION_ID=*CORRELATION_ID*) ;;
      *) fail "The query has no placeholder named $name." ;;
    esac
    text=$(printf %s "$text" | sed "s|$name|$value|g")
  done
  case $text in
    *NAMESPACE* | *API_KEY_ID* | *CORRELATION_ID*) fail "Say what replaces the word in capitals: $text" ;;
  esac
  now=$(date +%s)
  id=$(aws logs start-query --log-group-name "$group" --start-time "$((now - HOURS * 3600))" \
    --end-time "$((now + 60))" --query-string "$text" --query queryId --output text) || exit
  while sleep 1; do
    found=$(aws logs get-query-results --query-id "$id" --query '[status, length(results)]' --output text) || exit
    case $found in Running* | Scheduled*) ;; *) break ;; esac
  done
  case $found in Complete*) ;; *) fail "The query ended without an answer: ${found%%"$tab"*}. Run it again." ;; esac
  aws logs get-query-results --query-id "$id" --output text \
    --query "results[*][?field!='@ptr'].join('=', [field, to_string([value])])" |
    sed "s/=\\[\"/=\"/g; s/\"\\]$tab/\"$tab/g; s/\"\\]\$/\"/"
  rows=${found#*"$tab"} most=$(printf '%s\n' "$text" | sed -n 's/^| limit //p')
  [ "$rows" -lt "${most:-10000}" ] || fail "These are the first $rows rows only: look back fewer HOURS."
)
